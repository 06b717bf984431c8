import Glibc
import Linux
import Testing

@Suite("Starting and watching processes")
struct ProcessStartTests {
    /// Starts a shell whose descriptor 7 is one end of a pair, and reads what it writes there.
    private func output(of script: String, environment: [String] = []) throws -> (String, ProcessEnd?) {
        let pair = try MessageSocket.pair()
        var start = ProcessStart(program: "/bin/sh", arguments: ["sh", "-c", script], environment: environment)
        start.descriptors = [(raw: pair.theirs.raw, at: 7)]
        let child = try start.run()
        let end = child.wait(milliseconds: 60_000)
        guard let message = try pair.ours.receive(within: 0) else { return ("", end) }
        return (String(decoding: message.bytes, as: UTF8.self), end)
    }

    @Test("a child gets its arguments, its environment and its descriptors, and tells how it ended")
    func descriptors() throws {
        let (text, end) = try output(of: "echo $WORD >&7; exit 3", environment: ["WORD=gate"])
        #expect(text == "gate\n")
        #expect(end == .exited(3))
    }

    @Test("a child gets no other descriptor, whatever its number and flags")
    func closed() throws {
        // Without close-on-exec, below and above the number that is handed over.
        let leaks = (0..<8).map { _ in dup(1) }
        defer { for number in leaks { close(number) } }
        let (text, _) = try output(
            of:
                "for n in $(seq 0 99); do test -e /proc/$$/fd/$n && list=\"$list $n\"; done; echo $list >&7"
        )
        #expect(text == "0 1 2 7\n")
    }

    @Test("descriptors may take each other's numbers")
    func exchanged() throws {
        let first = try MessageSocket.pair()
        let second = try MessageSocket.pair()
        let start = ProcessStart(
            program: "/bin/bash",
            arguments: ["bash", "-c", "echo one >&\(second.theirs.raw); echo two >&\(first.theirs.raw)"],
            descriptors: [
                (raw: first.theirs.raw, at: second.theirs.raw), (raw: second.theirs.raw, at: first.theirs.raw),
            ]
        )
        let child = try start.run()
        #expect(child.wait(milliseconds: 60_000) == .exited(0))
        let one = try first.ours.receive(within: 0)?.bytes
        let two = try second.ours.receive(within: 0)?.bytes
        #expect(one == Array("one\n".utf8))
        #expect(two == Array("two\n".utf8))
    }

    @Test("a killed child is told from one that ended, and its pidfd becomes readable")
    func killed() throws {
        let child = try ProcessStart(program: "/bin/sh", arguments: ["sh", "-c", "kill -STOP $$; exit 0"]).run()
        let end = child.reap()
        #expect(end == nil)
        let early = child.hasEnded
        #expect(!early)
        child.signal(SIGKILL)
        #expect(child.wait(milliseconds: 60_000) == .killed(signal: SIGKILL))
        let late = child.hasEnded
        #expect(late)
        child.signal(SIGTERM)
    }

    @Test("a program that is not there is an error with its path")
    func missing() throws {
        let error = #expect(throws: SystemError.self) {
            _ = try ProcessStart(program: "/nonexistent/program", arguments: ["program"]).run()
        }
        #expect(error?.code == ENOENT)
        #expect(error?.description.contains("/nonexistent/program") == true)
    }

    @Test("this program's path is told")
    func path() throws {
        let path = try #require(ProcessStart.thisProgramPath)
        #expect(unsafe access(path, X_OK) == 0)
        #expect(!path.hasSuffix(" (deleted)"))
    }

    @Test("signals are taken as events")
    func signals() async {
        await #expect(processExitsWith: .exitCode(17)) {
            let signals = try Signals([SIGHUP, SIGUSR2])
            guard signals.next() == nil else { exit(1) }
            pthread_kill(pthread_self(), SIGHUP)
            guard signals.next() == SIGHUP, signals.next() == nil else { exit(2) }
            exit(17)
        }
    }
}
