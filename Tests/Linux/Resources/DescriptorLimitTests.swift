import CLinux
import Glibc
import Testing

@testable import Linux

@Suite("Limits")
struct DescriptorLimitTests {
    @Test("the limit on descriptors goes up as far as it may")
    func raised() async {
        await #expect(processExitsWith: .exitCode(0)) {
            var low = rlimit(rlim_cur: 64, rlim_max: 4096)
            guard unsafe setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &low) == 0 else { _exit(1) }
            let limit = DescriptorLimit.raise()
            guard limit.current == 4096, limit.ceiling == 4096 else { _exit(2) }
            _exit(0)
        }
    }

    @Test("no image of a process that holds keys is left, nor printed")
    func dumps() async {
        await #expect(processExitsWith: .exitCode(0)) {
            ProcessDumps.forbid()
            var core = rlimit(rlim_cur: 1, rlim_max: 1)
            unsafe getrlimit(__rlimit_resource_t(RLIMIT_CORE.rawValue), &core)
            guard core.rlim_cur == 0, core.rlim_max == 0 else { _exit(1) }
            guard processControl(PR_GET_DUMPABLE) == 0 else { _exit(2) }
            for crash in [SIGQUIT, SIGILL, SIGTRAP, SIGABRT, SIGFPE, SIGBUS, SIGSEGV] {
                guard signal(crash, SIG_DFL) == nil else { _exit(3) }
            }
            _exit(0)
        }
    }
}
