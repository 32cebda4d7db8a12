// Browser tests: run by `cargo xtask test --only browser`, which builds the site that ships and the server, starts
// Postgres and Redis, and says in the environment where everything is (SARDONYX_BIN, SARDONYX_TEST_POSTGRES,
// SARDONYX_TEST_REDIS, CHROMIUM). Each worker starts the servers it needs on free ports, so tests may run side by side.

import { defineConfig, devices } from "@playwright/test";

export default defineConfig({
  testDir: "tests",
  // A browser and a server each: more than two would only wait for each other on two cores.
  workers: 2,
  fullyParallel: true,
  // A test that passes only at the second try is a test that fails.
  retries: 0,
  forbidOnly: !!process.env.CI,
  // For a machine that has other things to do, too: none of them is a bar.
  timeout: 120_000,
  expect: { timeout: 20_000 },
  reporter: "list",
  use: {
    locale: "en-GB",
    timezoneId: "Europe/Berlin",
    // Recording everything would cost a fifth of the time; `--trace retain-on-failure` does it when something is odd.
    screenshot: "only-on-failure",
  },
  projects: [
    {
      name: "chromium",
      use: {
        ...devices["Desktop Chrome"],
        launchOptions: {
          // The system's own browser: Playwright's would be a download from outside the package registries.
          executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
          // Nothing but the pages under test may be loaded.
          args: [
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-gpu",
            "--disable-quic",
            "--disable-sync",
            "--no-first-run",
            "--no-sandbox",
          ],
        },
      },
    },
  ],
});
