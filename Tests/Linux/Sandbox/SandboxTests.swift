import CLinux
import Glibc
import Linux
import Testing

/// Each test runs in a process of its own, which enters the sandbox and tries what an intruder would.
@Suite("The sandbox")
struct SandboxTests {
    @Test("inside, no file can be opened and no Unix or packet socket made; TCP, memory and threads work")
    func refusals() async {
        await #expect(processExitsWith: .exitCode(0)) {
            let before = unsafe open("/etc/passwd", O_RDONLY)
            guard before >= 0 else { _exit(1) }
            let report = try Sandbox.enter(as: nil, filter: .dataPlane())
            guard report.hasSystemCallFilter else { _exit(2) }
            guard unsafe open("/etc/passwd", O_RDONLY) < 0, errno == EPERM || errno == EACCES else { _exit(3) }
            guard unsafe open("/tmp/gatehouse-sandbox", O_WRONLY | O_CREAT, 0o600) < 0 else { _exit(4) }
            guard socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0) < 0, errno == EPERM else { _exit(5) }
            guard socket(AF_INET, Int32(SOCK_RAW.rawValue), 0) < 0, errno == EPERM else { _exit(6) }
            guard socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0) < 0, errno == EPERM else { _exit(7) }
            let stream = socket(AF_INET6, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue), 0)
            guard stream >= 0 else { _exit(8) }
            guard listen(stream, 1) < 0, errno == EPERM else { _exit(9) }
            guard kill(getppid(), 0) < 0 else { _exit(10) }
            // Files that were open before are what the data plane was given: they stay usable.
            var byte: UInt8 = 0
            guard unsafe read(before, &byte, 1) == 1 else { _exit(11) }
            guard unsafe mmap(nil, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED
            else { _exit(12) }
            guard
                unsafe mmap(nil, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED
            else { _exit(13) }
            let done = try EventFD()
            let thread = try Thread.start(name: "inside") {
                // The filter holds for a thread that is started inside, too.
                if unsafe open("/etc/passwd", O_RDONLY) < 0 { done.signal() }
            }
            thread.join()
            var count: UInt64 = 0
            guard unsafe read(done.raw, &count, 8) == 8 else { _exit(14) }
            guard fork() < 0 else { _exit(15) }
            _exit(0)
        }
    }

    @Test("inside, starting a program ends the process")
    func program() async {
        await #expect(processExitsWith: .signal(SIGSYS)) {
            _ = try Sandbox.enter(as: nil, filter: .dataPlane())
            _ = ProcessStart.replace(program: "/bin/true", arguments: ["true"], environment: [])
            _exit(1)
        }
    }

    @Test("Landlock alone keeps files shut")
    func landlock() async throws {
        await #expect(processExitsWith: .exitCode(0)) {
            guard Landlock.version > 0 else { _exit(0) }
            try Privileges.forbidNew()
            try Landlock.denyFiles()
            guard unsafe open("/etc/passwd", O_RDONLY) < 0, errno == EACCES else { _exit(1) }
            _exit(0)
        }
    }

    @Test("so does the system call filter alone, and starts no program")
    func filter() async throws {
        await #expect(processExitsWith: .exitCode(0)) {
            try Privileges.forbidNew()
            try SystemCallFilter.dataPlane().install()
            guard unsafe open("/etc/passwd", O_RDONLY) < 0, errno == EPERM else { _exit(1) }
            guard fork() < 0 else { _exit(2) }
            _exit(0)
        }
    }

    @Test("another user, without capabilities, and no way back", .enabled(if: Privileges.isRoot, "needs root"))
    func user() async {
        await #expect(processExitsWith: .exitCode(0)) {
            guard let nobody = UserAccount.named("nobody") else { _exit(1) }
            let report = try Sandbox.enter(as: nobody, filter: SystemCallFilter.dataPlane())
            guard report.user == nobody.identifier, getuid() == nobody.identifier, getegid() == nobody.group else {
                _exit(2)
            }
            guard setuid(0) < 0 else { _exit(3) }
            _exit(0)
        }
    }

    @Test("dropped capabilities are gone", .enabled(if: Privileges.isRoot, "needs root"))
    func capabilities() async {
        await #expect(processExitsWith: .exitCode(0)) {
            let path = "/proc/thread-self/status"
            Privileges.dropBoundingSet()
            try Privileges.dropCapabilities()
            let status = String(decoding: try FileReading.readStream(path, limit: 1 << 16), as: UTF8.self)
            for line in status.split(separator: "\n") where line.hasPrefix("Cap") {
                guard line.hasSuffix("0000000000000000") else { _exit(1) }
            }
            guard status.contains("CapEff") else { _exit(2) }
            _exit(0)
        }
    }

    @Test("a filter's conditions look at the masked argument, and what no rule names is refused")
    func conditions() async {
        await #expect(processExitsWith: .exitCode(0)) {
            try Privileges.forbidNew()
            // The data plane's own rules are the base: the filter holds for every thread of this process, and those
            // of the runtime must still be able to start, wait and end, or one of them aborts.
            var filter = SystemCallFilter.dataPlane()
            filter.allow(
                SYS_dup2,
                where: [.init(argument: 0, isOneOf: [1, 2]), .init(argument: 1, mask: 0xF0, isOneOf: [0x20, 0x30])]
            )
            filter.refuse(SYS_getpgid, with: ENOSYS)
            try filter.install()
            guard dup2(1, 0x25) == 0x25, dup2(2, 0x3F) == 0x3F else { _exit(1) }
            guard dup2(0, 0x25) < 0, errno == EPERM, dup2(1, 0x15) < 0, errno == EPERM else { _exit(2) }
            guard getsid(0) < 0, errno == EPERM, getpgid(0) < 0, errno == ENOSYS else { _exit(3) }
            _exit(0)
        }
    }
}
