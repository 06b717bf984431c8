import Testing

@testable import Linux

@Suite struct ProgramRunTests {
    private func run(_ script: String, milliseconds: UInt64 = 60_000, keeping kept: Int = 1000) throws -> ProgramRun {
        try ProgramRun.run(
            ["/bin/sh", "-c", script, "name", "a b"],
            environment: ["WORD=x"],
            milliseconds: milliseconds,
            keeping: kept
        )
    }

    private func text(_ run: ProgramRun) -> String { String(decoding: run.output, as: UTF8.self) }

    @Test("arguments and environment as they are given, both outputs, the status")
    func ends() throws {
        let run = try run("echo \"$1 $WORD ${HOME-none}\"; echo more >&2; exit 3")
        #expect(run.end == .ended(.exited(3)) && !run.isSuccess)
        #expect(text(run) == "a b x none\nmore\n")
        #expect(try self.run("").isSuccess)
    }

    @Test("the last bytes of much output are kept, and the program never waits for a reader")
    func keepsTheLast() throws {
        let run = try run("i=0; while [ $i -lt 20000 ]; do echo 0123456789; i=$((i+1)); done; printf end", keeping: 7)
        #expect(run.isSuccess && text(run) == "789\nend", "\(run)")
    }

    @Test("one that takes too long is killed with what it started, also when it closes its output or ignores SIGTERM")
    func late() throws {
        for script in ["sleep 600 & wait", "exec >&- 2>&-; sleep 600", "trap '' TERM; sleep 600 & sleep 600"] {
            #expect(try run(script, milliseconds: 300).end == .late)
        }
    }

    @Test("what leaves a child behind with its output open has ended all the same")
    func leavesOneBehind() throws {
        #expect(try run("sleep 5 & echo done").isSuccess)
    }

    @Test("no program")
    func missing() {
        #expect(throws: SystemError.self) {
            try ProgramRun.run(["/nowhere/at/all"], environment: [], milliseconds: 1000, keeping: 10)
        }
    }
}
