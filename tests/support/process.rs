//! The real program, as an operator starts it.

use std::{
    net::SocketAddr,
    process::{ExitStatus, Stdio},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
    thread,
};

use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    process::{Child, Command},
    sync::watch,
    task::JoinHandle,
};

use super::soon;

/// A program that is running as a server.
pub struct Process {
    pub addr: SocketAddr,
    child: Child,
    /// What it printed so far, and the task that reads it.
    printed: watch::Receiver<String>,
    reading: JoinHandle<()>,
    _troubles: Troubles,
}

/// What a server warned of. It is shown beside the failure of its test, which it may explain.
#[derive(Clone)]
struct Troubles(SocketAddr, Arc<Mutex<String>>);

impl Troubles {
    fn note(&self, line: &str) {
        if [" WARN ", "ERROR ", "panicked"].iter().any(|word| line.contains(word)) {
            self.1.lock().unwrap_or_else(PoisonError::into_inner).push_str(&format!("{line}\n"));
        }
    }
}

impl Drop for Troubles {
    fn drop(&mut self) {
        if thread::panicking() {
            eprintln!("{} warned of:\n{}", self.0, self.1.lock().unwrap_or_else(PoisonError::into_inner));
        }
    }
}

/// How a program that ended by itself did.
#[derive(Debug)]
pub struct Ended {
    pub status: ExitStatus,
    pub stdout: String,
    pub stderr: String,
}

/// The program with these arguments and settings, and no other settings.
pub fn command(arguments: &[&str], settings: &[(&str, &str)]) -> Command {
    command_through(&[], arguments, settings)
}

/// Where nobody listens now, nor soon: below those that the kernel gives to whoever connects.
fn free_addr() -> SocketAddr {
    static TAKEN: AtomicU32 = AtomicU32::new(0);
    loop {
        let number = std::process::id().wrapping_mul(97).wrapping_add(TAKEN.fetch_add(1, Ordering::Relaxed)) % 20_000;
        let addr = SocketAddr::from(([127, 0, 0, 1], 10_000 + number as u16));
        if std::net::TcpListener::bind(addr).is_ok() {
            return addr;
        }
    }
}

fn command_through(wrapper: &[&str], arguments: &[&str], settings: &[(&str, &str)]) -> Command {
    let words = [wrapper, &[env!("CARGO_BIN_EXE_sardonyx")], arguments].concat();
    let mut command = Command::new(words[0]);
    command.env_clear().args(&words[1..]).envs(settings.iter().copied());
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    command
}

/// Runs a command to its end, with something on its standard input.
pub async fn run(arguments: &[&str], settings: &[(&str, &str)], input: &str) -> Ended {
    let mut child = command(arguments, settings).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    // One that ends at once does not read.
    let _ = stdin.write_all(input.as_bytes()).await;
    drop(stdin);
    let output = soon("the program's end", child.wait_with_output()).await.unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Ended { status: output.status, stdout: text(output.stdout), stderr: text(output.stderr) }
}

impl Process {
    /// Starts a server and waits until it listens. It chooses its port itself.
    pub async fn start(settings: &[(&str, &str)]) -> Self {
        Self::start_through(&[], settings).await
    }

    /// The same; what it writes past [`Self::limit_files`] fails, as on a disk that is full, instead of ending it.
    pub async fn start_with_limits(settings: &[(&str, &str)]) -> Self {
        Self::start_through(&["sh", "-c", "trap '' XFSZ; exec \"$0\" \"$@\""], settings).await
    }

    async fn start_through(wrapper: &[&str], settings: &[(&str, &str)]) -> Self {
        let addr = free_addr();
        let addr_text = addr.to_string();
        let mut command = command_through(wrapper, &["--addr", &addr_text], settings);
        let mut child = command.spawn().unwrap();
        let mut stderr = BufReader::new(child.stderr.take().unwrap()).lines();
        let mut log = String::new();
        soon("the server to listen", async {
            while let Some(line) = stderr.next_line().await.unwrap() {
                log.push_str(&line);
                log.push('\n');
                if line.contains("listening") {
                    return;
                }
            }
            panic!("the server did not start:\n{log}");
        })
        .await;
        // Whoever does not read a pipe stops the one who writes to it.
        let troubles = Troubles(addr, Arc::default());
        let noted = troubles.clone();
        tokio::spawn(async move {
            while let Ok(Some(line)) = stderr.next_line().await {
                noted.note(&line);
            }
        });
        let mut stdout = BufReader::new(child.stdout.take().unwrap()).lines();
        let (sender, printed) = watch::channel(String::new());
        let reading = tokio::spawn(async move {
            while let Ok(Some(line)) = stdout.next_line().await {
                sender.send_modify(|text| text.push_str(&format!("{line}\n")));
            }
        });
        Self { addr, child, printed, reading, _troubles: troubles }
    }

    /// The path of the link to the first account, as it was printed.
    pub async fn setup_link(&mut self) -> String {
        let printed =
            soon("the link", self.printed.wait_for(|text| text.contains("/setup?token="))).await.unwrap().clone();
        let link = &printed[printed.find("/setup?token=").unwrap()..];
        link.split_whitespace().next().unwrap().to_owned()
    }

    /// The most memory that it ever had at a time, in KiB.
    pub fn peak_kib(&self) -> u64 {
        self.status_kib("VmHWM:")
    }

    /// Waits until it has ended by itself.
    pub async fn ended(mut self) {
        soon("the server's end", self.child.wait()).await.unwrap();
    }

    /// From now on no file of it can grow past so many bytes; none: as large as it likes.
    pub async fn limit_files(&self, bytes: Option<u64>) {
        let soft = bytes.map_or("unlimited".to_owned(), |bytes| bytes.to_string());
        let pid = self.child.id().unwrap().to_string();
        let set = Command::new("prlimit").args(["--pid", &pid, &format!("--fsize={soft}:")]).status().await.unwrap();
        assert!(set.success());
    }

    /// As `kill -STOP`: it is there and does nothing.
    pub async fn pause(&self) {
        self.signal("-STOP").await;
    }

    /// As `kill -CONT`.
    pub async fn resume(&self) {
        self.signal("-CONT").await;
    }

    /// As `kill -9`.
    pub async fn kill(mut self) {
        self.child.kill().await.unwrap();
    }

    /// As `kill`; gives how it ended, and all that it printed.
    pub async fn terminate(mut self) -> (ExitStatus, String) {
        self.signal("-TERM").await;
        let status = soon("the server's end", self.child.wait()).await.unwrap();
        soon("the end of its output", self.reading).await.unwrap();
        (status, self.printed.borrow().clone())
    }

    async fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([name, &self.child.id().unwrap().to_string()]).status().await.unwrap();
        assert!(sent.success());
    }

    fn status_kib(&self, field: &str) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id().unwrap())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix(field)).unwrap();
        line.trim().trim_end_matches("kB").trim().parse().unwrap()
    }
}
