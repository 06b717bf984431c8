import CLinux
import Glibc
import Linux
import Testing

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
}
