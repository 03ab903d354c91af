//! System calls that no sound needs: sockets, other processes, other users, the machine itself. A child that makes one is
//! refused it and goes on; how it takes that is its own affair.
//!
//! Sources: seccomp(2), clone(2); `ENOSYS` makes the C library use an older call whose arguments can be seen.

use std::collections::BTreeMap;
use std::io;
use std::sync::OnceLock;

use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen as Length, SeccompCmpOp as Is, SeccompCondition, SeccompFilter,
    SeccompRule, TargetArch, apply_filter,
};

type Rules = BTreeMap<i64, Vec<SeccompRule>>;

/// Whether filters can be made for this machine.
pub(super) fn known_machine() -> bool {
    TargetArch::try_from(std::env::consts::ARCH).is_ok()
}

/// Takes the calls from the calling thread, for good; nothing where no filter can be made.
pub(super) fn close(network: bool, starts: bool) -> io::Result<()> {
    if !known_machine() {
        return Ok(());
    }
    static MADE: OnceLock<Result<[BpfProgram; 4], String>> = OnceLock::new();
    let make = || -> Result<_, seccompiler::BackendError> {
        Ok([
            program(always()?, libc::EPERM)?,
            program(absent()?, libc::ENOSYS)?,
            program(sockets(), libc::EACCES)?,
            program(further()?, libc::EPERM)?,
        ])
    };
    let made = MADE.get_or_init(|| make().map_err(|error| error.to_string()));
    let [always, absent, sockets, further] = made.as_ref().map_err(|text| io::Error::other(text.clone()))?;
    let wanted = [Some(always), Some(absent), (!network).then_some(sockets), (!starts).then_some(further)];
    for program in wanted.into_iter().flatten() {
        apply_filter(program).map_err(io::Error::other)?;
    }
    Ok(())
}

fn program(rules: Rules, errno: i32) -> Result<BpfProgram, seccompiler::BackendError> {
    let refused = SeccompAction::Errno(errno.unsigned_abs());
    let machine: TargetArch = std::env::consts::ARCH.try_into()?;
    SeccompFilter::new(rules, SeccompAction::Allow, refused, machine)?.try_into()
}

/// Refused whoever calls.
fn always() -> Result<Rules, seccompiler::BackendError> {
    let mut rules: Rules = REFUSED.iter().map(|it| (*it, Vec::new())).collect();
    // Its own limits it may see, others' not; they cannot be raised either way.
    rules.insert(libc::SYS_prlimit64, vec![rule(&[(0, Is::Ne, 0)])?]);
    rules.insert(libc::SYS_setpriority, vec![rule(&[(0, Is::Ne, 0)])?, rule(&[(1, Is::Ne, 0)])?]);
    // A group of its own is made for a child at its start, by nobody else for another.
    rules.insert(libc::SYS_setpgid, vec![rule(&[(0, Is::Ne, 0)])?, rule(&[(1, Is::Ne, 0)])?]);
    let namespaces = NAMESPACES.iter().map(|it| {
        let flag = u64::from(it.unsigned_abs());
        rule(&[(0, Is::MaskedEq(flag), flag)])
    });
    rules.insert(libc::SYS_clone, namespaces.collect::<Result<_, _>>()?);
    Ok(rules)
}

/// As if the kernel were older. `clone3` has its flags where no filter sees them; `io_uring` makes calls past any filter.
fn absent() -> Result<Rules, seccompiler::BackendError> {
    let calls = [libc::SYS_clone3, libc::SYS_io_uring_setup, libc::SYS_io_uring_enter, libc::SYS_io_uring_register];
    Ok(calls.into_iter().map(|it| (it, Vec::new())).collect())
}

/// A pair of sockets between its own threads is none to others.
fn sockets() -> Rules {
    [libc::SYS_socket, libc::SYS_bind, libc::SYS_connect, libc::SYS_listen].map(|it| (it, Vec::new())).into()
}

/// No process beside its own. What starts the child itself is `clone` with `CLONE_VFORK`: so much stays.
fn further() -> Result<Rules, seccompiler::BackendError> {
    let kinds = u64::from((libc::CLONE_THREAD | libc::CLONE_VFORK).unsigned_abs());
    let mut rules: Rules = [(libc::SYS_clone, vec![rule(&[(0, Is::MaskedEq(kinds), 0)])?])].into();
    #[cfg(target_arch = "x86_64")]
    rules.extend([(libc::SYS_fork, Vec::new()), (libc::SYS_vfork, Vec::new())]);
    Ok(rules)
}

fn rule(conditions: &[(u8, Is, u64)]) -> Result<SeccompRule, seccompiler::BackendError> {
    let made = conditions.iter().map(|(at, is, value)| SeccompCondition::new(*at, Length::Dword, is.clone(), *value));
    SeccompRule::new(made.collect::<Result<_, _>>()?)
}

/// Other processes, other roots, the kernel's own affairs; a session of its own would leave the group that is killed.
const REFUSED: [i64; 31] = [
    libc::SYS_setsid,
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_process_madvise,
    libc::SYS_pidfd_getfd,
    libc::SYS_kcmp,
    libc::SYS_unshare,
    libc::SYS_setns,
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_move_mount,
    libc::SYS_open_tree,
    libc::SYS_fsopen,
    libc::SYS_pivot_root,
    libc::SYS_chroot,
    libc::SYS_keyctl,
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_userfaultfd,
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_kexec_load,
    libc::SYS_reboot,
    libc::SYS_swapon,
    libc::SYS_settimeofday,
    libc::SYS_clock_settime,
    libc::SYS_sethostname,
];
const NAMESPACES: [i32; 7] = [
    libc::CLONE_NEWUSER,
    libc::CLONE_NEWPID,
    libc::CLONE_NEWNET,
    libc::CLONE_NEWNS,
    libc::CLONE_NEWIPC,
    libc::CLONE_NEWUTS,
    libc::CLONE_NEWCGROUP,
];
