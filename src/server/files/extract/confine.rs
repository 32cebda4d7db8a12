//! What the process that reads a file may not do: take much memory or time, open a file or a connection, reach another
//! process. On Linux; elsewhere, and where a kernel lacks one of these, the rest has to do, and the server ends what takes
//! too long in any case.

use crate::domain::limits;

/// Libraries go down into nested things by calling themselves.
pub const STACK_BYTES: usize = 32 * 1024 * 1024;

/// Takes away what reading a file does not need, as far as that can be done before its thread is started.
pub fn before_threads() {
    #[cfg(target_os = "linux")]
    {
        use rustix::process::Resource;
        // What the program itself is mapped to is not what the file takes.
        linux::limit(Resource::As, linux::mapped_bytes().saturating_add(limits::FILE_READER_BYTES_MAX));
        linux::limit(Resource::Cpu, limits::FILE_READER_CPU_SECONDS_MAX);
        linux::limit(Resource::Core, 0);
        // Its standard input is a file that could be written to.
        linux::limit(Resource::Fsize, 0);
        linux::lock_away();
    }
}

/// The rest, once all threads are there.
pub fn with_threads() {
    #[cfg(target_os = "linux")]
    {
        // Counted are the threads of all processes of this user, the server's, too: so it is none from here on.
        linux::limit(rustix::process::Resource::Nproc, 0);
        linux::allow_little();
    }
}

#[cfg(target_os = "linux")]
mod linux {
    use std::{collections::BTreeMap, env::consts::ARCH};

    use landlock::{ABI, Access, AccessFs, AccessNet, Ruleset, RulesetAttr};
    use rustix::process::{Resource, Rlimit, setrlimit};
    use seccompiler::{BpfProgram, SeccompAction, SeccompFilter, apply_filter_all_threads};

    use super::STACK_BYTES;

    /// Calls of the system that reading a file needs: memory, threads, time, and what is open already.
    const ALLOWED: [i64; 34] = [
        libc::SYS_read,
        libc::SYS_readv,
        libc::SYS_write,
        libc::SYS_writev,
        libc::SYS_close,
        libc::SYS_lseek,
        libc::SYS_fstat,
        libc::SYS_statx,
        libc::SYS_newfstatat,
        libc::SYS_mmap,
        libc::SYS_munmap,
        libc::SYS_mremap,
        libc::SYS_mprotect,
        libc::SYS_madvise,
        libc::SYS_brk,
        libc::SYS_futex,
        libc::SYS_set_robust_list,
        libc::SYS_rseq,
        libc::SYS_membarrier,
        libc::SYS_sched_yield,
        libc::SYS_sched_getaffinity,
        libc::SYS_rt_sigaction,
        libc::SYS_rt_sigprocmask,
        libc::SYS_rt_sigreturn,
        libc::SYS_sigaltstack,
        libc::SYS_restart_syscall,
        libc::SYS_clock_gettime,
        libc::SYS_clock_nanosleep,
        libc::SYS_nanosleep,
        libc::SYS_getrandom,
        libc::SYS_getpid,
        libc::SYS_gettid,
        libc::SYS_exit,
        libc::SYS_exit_group,
    ];

    pub fn limit(resource: Resource, most: u64) {
        let _ = setrlimit(resource, Rlimit { current: Some(most), maximum: Some(most) });
    }

    /// The address space that this process has now.
    pub fn mapped_bytes() -> u64 {
        let pages: u64 = std::fs::read_to_string("/proc/self/statm")
            .ok()
            .and_then(|text| text.split(' ').next()?.parse().ok())
            .unwrap_or_default();
        pages * rustix::param::page_size() as u64 + STACK_BYTES as u64
    }

    /// No file can be opened and no TCP connection made from here on (Landlock).
    pub fn lock_away() {
        let locked = Ruleset::default()
            .handle_access(AccessFs::from_all(ABI::V5))
            .and_then(|rules| rules.handle_access(AccessNet::from_all(ABI::V5)))
            .and_then(Ruleset::create)
            .and_then(landlock::RulesetCreated::restrict_self);
        if let Err(error) = locked {
            eprintln!("not locked away: {error}");
        }
    }

    /// Nothing else can be asked of the system from here on, by any thread (seccomp): no socket of any kind, no signal, no
    /// other program.
    pub fn allow_little() {
        let allowed = filter().and_then(|filter| apply_filter_all_threads(&filter).map_err(|error| error.to_string()));
        if let Err(error) = allowed {
            eprintln!("not all calls of the system are taken away: {error}");
        }
    }

    pub fn filter() -> Result<BpfProgram, String> {
        let rules: BTreeMap<i64, Vec<_>> = ALLOWED.into_iter().map(|call| (call, Vec::new())).collect();
        let refused = SeccompAction::Errno(libc::EPERM.unsigned_abs());
        let architecture = ARCH.try_into().map_err(|_| format!("unknown architecture {ARCH}"))?;
        SeccompFilter::new(rules, refused, SeccompAction::Allow, architecture)
            .and_then(TryInto::try_into)
            .map_err(|error| error.to_string())
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::{
        fs::File,
        io::{Read, Write},
        net::{TcpListener, UdpSocket},
        os::unix::net::UnixDatagram,
        process::Command,
        thread,
    };

    use super::linux::filter;

    /// Of one thread, for the whole process would be all tests.
    #[test]
    fn f10_what_reads_a_file_opens_nothing_and_reaches_nobody() {
        let filter = filter().unwrap();
        let (mut output, mut input) = std::io::pipe().unwrap();
        let confined = thread::spawn(move || {
            seccompiler::apply_filter(&filter).unwrap();
            let opened = [
                File::open("/dev/null").is_ok(),
                File::create("/tmp/sardonyx_confined").is_ok(),
                TcpListener::bind("127.0.0.1:0").is_ok(),
                UdpSocket::bind("127.0.0.1:0").is_ok(),
                UnixDatagram::unbound().is_ok(),
                Command::new("true").spawn().is_ok(),
                thread::Builder::new().spawn(|| {}).is_ok(),
                rustix::process::test_kill_process(rustix::process::getpid()).is_ok(),
            ];
            // What is open already goes on, and so does memory.
            input.write_all(&[b'x'; 10]).unwrap();
            opened
        });
        assert_eq!(confined.join().unwrap(), [false; 8]);
        let mut written = String::new();
        output.read_to_string(&mut written).unwrap();
        assert_eq!(written, "x".repeat(10));
    }
}
