import Control
import Glibc
import Linux
import Snapshot
import Testing

@Suite("What one control process leaves to the next")
struct UpgradeTests {
    @Test("a program that cannot be started leaves everything as it was, closed on the next execution")
    func failed() throws {
        let address = try ListenerSetTests.freeAddress()
        let listeners = try ListenerSet(socketsPerAddress: 1).updated(for: [ListenerRequest(address: address)])
        let handover = Handover(listeners: listeners, segments: [], dataPlane: nil)
        let error = handover.execute(program: "/nonexistent", arguments: ["gatehouse"], environment: [])
        #expect("\(error)".contains("/nonexistent"))
        let raw = try #require(listeners.groups[ListenerID(address)]?.first?.raw)
        #expect(fcntl(raw, F_GETFD) == FD_CLOEXEC)
    }

    @Test("a new program that finds the site file wanting, or hangs, does not take over")
    func verified() throws {
        let shell = "/bin/sh"
        #expect(try Handover.rehearse([shell, "-c", "echo fine; exit 85"], environment: []) == "fine\n")
        let wanting = ProgramRun.End.ended(.exited(2))
        #expect(throws: UpgradeRefusal(program: shell, end: wanting, said: "wanting\n")) {
            try Handover.rehearse([shell, "-c", "echo wanting >&2; exit 2"], environment: [])
        }
        #expect(throws: UpgradeRefusal(program: "/bin/true", end: .ended(.exited(0)), said: "")) {
            try Handover.rehearse(["/bin/true"], environment: [])
        }
        #expect(throws: UpgradeRefusal(program: "/bin/sleep", end: .late, said: "")) {
            try Handover.rehearse(["/bin/sleep", "60"], environment: [], within: 50)
        }
        #expect(throws: SystemError.self) { try Handover.rehearse(["/nonexistent"], environment: []) }
    }

    @Test("nothing is taken where nothing was left, and damage is an error")
    func nothing() throws {
        let none = try Handover.take(environment: [:]) == nil
        #expect(none)
        let memory = try SealedMemory.create(name: "test", [1, 2, 3]).release()
        #expect(throws: SnapshotError.self) {
            _ = try Handover.take(environment: [Handover.variable: "\(memory)"])
        }
    }

    @Test("listeners, memory and the data plane come over an execution in the same process")
    func executed() async {
        await #expect(processExitsWith: .exitCode(23)) {
            let listeners = try ListenerSet(socketsPerAddress: 2)
                .updated(for: [ListenerRequest(address: try ListenerSetTests.freeAddress())])
            let mapping = try SharedMapping(name: "counters", words: 8)
            mapping.store(7, 4711)
            let segment = SharedSegment(name: "counters", owning: try mapping.descriptor.duplicate())
            let secret: [UInt8] = [1, 2, 3]
            let keys = try SecretBytes(copying: secret.span)
            let handover = Handover(listeners: listeners, segments: [segment], dataPlane: nil, sessionKeys: keys)
            var environment = FakeDataPlane.start("").environment.filter { !$0.hasPrefix(FakeDataPlane.variable) }
            environment.append("GATEHOUSE_HANDOVER_TEST=1")
            _ = handover.execute(
                program: ProcessStart.thisProgram,
                arguments: ["gatehouse", "--testing-library", "swift-testing", "--quiet", "--filter", "handoverMain"],
                environment: environment
            )
            _exit(1)
        }
    }

    @Test(
        "the other half of it: takes what was left",
        .enabled(if: unsafe getenv("GATEHOUSE_HANDOVER_TEST") != nil, "only in the process that was executed")
    )
    func handoverMain() throws {
        let variable = unsafe getenv(Handover.variable).map { unsafe String(cString: $0) }
        let handover = try #require(try Handover.take(environment: [Handover.variable: variable ?? ""]))
        guard let (id, group) = handover.listeners.groups.first, group.count == 2,
            let address = Socket.localAddress(group[1].raw), ListenerID(address) == id,
            let client = try? Socket.connect(to: address), client.raw >= 0,
            let segment = handover.segments.first, segment.name == "counters",
            try SharedMapping(adopting: segment.duplicate(), words: 8).load(7) == 4711,
            handover.dataPlane == nil, let keys = handover.sessionKeys,
            (0..<keys.count).map({ keys.bytes[$0] }) == [1, 2, 3]
        else { _exit(2) }
        _exit(23)
    }

    @Test("a data plane whose control has died serves on, and the next control takes it over")
    func orphan() throws {
        let path = "/tmp/gatehouse-adoption-\(getpid())-\(UInt64.random(in: 0 ... .max)).sock"
        defer { FileWriting.remove(path) }
        let address = try ListenerSetTests.freeAddress()
        let keys = try SecretBytes(count: 1)
        func instance() throws -> OutgoingConfiguration {
            let listeners = try ListenerSet(socketsPerAddress: 2).updated(for: [ListenerRequest(address: address)])
            let plan = Array("orphan".utf8)
            return OutgoingConfiguration(plan: plan, keys: keys, listeners: listeners, drainTime: 30_000)
        }
        func lose() throws {
            var settings = SupervisorSettings(start: FakeDataPlane.start("confined"))
            let counters = try SharedMapping(name: "counters", words: 8)
            counters.store(0, 4711)
            settings.segments = [
                try Adoption.segment(at: path),
                SharedSegment(name: "counters", owning: try counters.descriptor.duplicate()),
            ]
            let supervisor = try DataPlaneSupervisor(settings) { _ in }
            try supervisor.start(instance())
            // Its channel and listeners are closed here, as when the process dies.
            _ = try supervisor.handOver()
        }
        try lose()
        let before = try #require(FakeClient.ask(address))
        #expect(before.plan == "orphan")
        let handover = try #require(try Adoption.take(at: path, socketsPerAddress: 2, within: 60_000))
        #expect(handover.listeners.groups[ListenerID(address)]?.count == 2)
        #expect(handover.dataPlane?.process == before.process)
        let session = try #require(handover.sessionKeys)
        #expect((0..<session.count).map { session.bytes[$0] } == [0, 0, 0, 0, 0, 99])
        #expect(handover.segments.map(\.name) == [DataPlaneConvention.adoptionSegment, "counters"])
        #expect(try SharedMapping(adopting: handover.segments[1].duplicate(), words: 8).load(0) == 4711)
        let next = try DataPlaneSupervisor(
            SupervisorSettings(start: FakeDataPlane.start("free")),
            standing: handover.dataPlane
        ) { _ in }
        try next.start(
            OutgoingConfiguration(
                plan: Array("new".utf8),
                keys: keys,
                listeners: handover.listeners,
                drainTime: 30_000
            )
        )
        // The one before accepts until it has been told to drain.
        var after = try #require(FakeClient.ask(address))
        for _ in 0..<1_000 where after.plan == "orphan" { after = try #require(FakeClient.ask(address)) }
        #expect(after.plan == "new" && after.process != before.process)
        next.stop(drainMilliseconds: 1_000)
    }
}
