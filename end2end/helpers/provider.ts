// An OpenAI-compatible model server that plays a script: the test decides when a reply begins, what comes next, and how
// it ends.

import { createServer, type IncomingMessage, type Server as HttpServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

const ASKED_SECONDS_MAX = 40;

export const MODELS = ["scripted-one", "scripted-two"] as const;

interface Line {
  role: "user" | "assistant";
  content: string;
}

/** One reply under way. */
export class ScriptedReply {
  /** When whoever asked went away before the reply had ended. */
  readonly abandoned: Promise<void>;
  private hasBegun = false;

  constructor(
    /** The model that was asked. */
    readonly model: string,
    /** The conversation that it continues. */
    readonly lines: Line[],
    private readonly response: ServerResponse,
  ) {
    this.abandoned = new Promise((resolve) => {
      response.once("close", () => {
        if (!response.writableFinished) resolve();
      });
    });
  }

  /** What it is to go on from. */
  get begun(): string | undefined {
    const last = this.lines.at(-1);
    return last?.role === "assistant" ? last.content : undefined;
  }

  get question(): string {
    return this.lines.findLast(({ role }) => role === "user")?.content ?? "";
  }

  /** Sends pieces of the reply. */
  push(...pieces: string[]): void {
    if (!this.hasBegun) {
      this.hasBegun = true;
      this.response.writeHead(200, { "content-type": "text/event-stream" });
    }
    for (const content of pieces) this.event({ choices: [{ index: 0, delta: { content } }] });
  }

  /** Sends the rest, and that it is the end. */
  finish(...pieces: string[]): void {
    this.push(...pieces);
    this.event({ choices: [{ index: 0, delta: {}, finish_reason: "stop" }] });
    this.response.end("data: [DONE]\n\n");
  }

  /** Refuses with a status. */
  fail(status: number): void {
    this.response.writeHead(status, { "content-type": "application/json" });
    this.response.end(JSON.stringify({ error: { message: "refused by the script" } }));
  }

  /** Says in the middle of the stream that something went wrong, as some servers do. */
  error(): void {
    this.event({ error: { message: "failed by the script" } });
    this.response.end();
  }

  /** Breaks the connection. */
  cut(): void {
    this.response.destroy();
  }

  private event(chunk: object): void {
    this.response.write(`data: ${JSON.stringify(chunk)}\n\n`);
  }
}

export class ScriptedProvider {
  /** Answers at once what it has an answer to; everything else waits for the test. */
  answer: (question: string) => string | undefined = () => undefined;
  /** Whether it goes on from the beginning of a reply. */
  continues = false;
  private waiting: ScriptedReply[] = [];
  private listeners: Array<() => void> = [];
  private http?: HttpServer;
  private port = 0;

  static async start(): Promise<ScriptedProvider> {
    const provider = new ScriptedProvider();
    await provider.listen();
    return provider;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}/v1`;
  }

  /** Takes questions, on the same port each time. */
  async listen(): Promise<void> {
    const http = createServer((request, response) => {
      // Whoever went away while asking gets no answer.
      this.serve(request, response).catch(() => response.destroy());
    });
    await new Promise<void>((resolve) => http.listen(this.port, "127.0.0.1", resolve));
    this.port = (http.address() as AddressInfo).port;
    this.http = http;
  }

  /** Refuses connections from now on, and breaks those that are open. */
  async close(): Promise<void> {
    const http = this.http;
    if (!http) return;
    this.http = undefined;
    http.closeAllConnections();
    await new Promise((resolve) => http.close(resolve));
  }

  /** Waits until it is asked something with this text in it, and gives the reply to be written. */
  async asked(question: string): Promise<ScriptedReply> {
    const deadline = Date.now() + ASKED_SECONDS_MAX * 1000;
    for (;;) {
      const at = this.waiting.findIndex((reply) => reply.question.includes(question));
      if (at >= 0) return this.waiting.splice(at, 1)[0];
      if (!(await this.nextRequest(deadline - Date.now()))) throw new Error(`the model was never asked “${question}”`);
    }
  }

  /** Forgets the script and whatever nobody waited for. */
  async reset(): Promise<void> {
    this.answer = () => undefined;
    this.continues = false;
    for (const reply of this.waiting.splice(0)) reply.cut();
    if (!this.http) await this.listen();
  }

  private nextRequest(ms: number): Promise<boolean> {
    return new Promise((resolve) => {
      const late = setTimeout(() => resolve(false), Math.max(ms, 0));
      this.listeners.push(() => {
        clearTimeout(late);
        resolve(true);
      });
    });
  }

  private async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.url === "/v1/models") {
      response.writeHead(200, { "content-type": "application/json" });
      response.end(JSON.stringify({ object: "list", data: MODELS.map((id) => ({ id, object: "model" })) }));
      return;
    }
    let body = "";
    for await (const chunk of request.setEncoding("utf8")) body += chunk;
    const { model, messages, stream } = JSON.parse(body) as { model: string; messages: Line[]; stream: boolean };
    if (!stream) {
      // It is being tried whether it goes on from a beginning.
      const content = this.continues ? "ble, thunder" : "river, candle, marble, thunder";
      response.writeHead(200, { "content-type": "application/json" });
      response.end(JSON.stringify({ choices: [{ message: { role: "assistant", content } }] }));
      return;
    }
    const reply = new ScriptedReply(model, messages, response);
    const answer = this.answer(reply.question);
    if (answer !== undefined) {
      reply.finish(answer);
      return;
    }
    this.waiting.push(reply);
    for (const listener of this.listeners.splice(0)) listener();
  }
}
