import Control
import Glibc
import Linux
import Synchronization
import Testing

@Suite("Supervising a data plane", .serialized)
struct DataPlaneSupervisorTests {
    private final class Events: Sendable {
        private let list = Mutex<[SupervisorEvent]>([])
        func add(_ event: SupervisorEvent) { list.withLock { $0.append(event) } }
        var all: [SupervisorEvent] { list.withLock { $0 } }

        /// Waits until an event is as wanted.
        func wait(_ isWanted: (SupervisorEvent) -> Bool) -> Bool {
            eventually { all.contains(where: isWanted) }
        }
    }

    private struct Bench {
        let address: SocketAddress
        let listeners: ListenerSet
        let events = Events()
        let supervisor: DataPlaneSupervisor

        init(_ word: String = "free", _ change: (inout SupervisorSettings) -> Void = { _ in }) throws {
            address = try ListenerSetTests.freeAddress()
            listeners = try ListenerSet(socketsPerAddress: 2).updated(for: [ListenerRequest(address: address)])
            var settings = SupervisorSettings(start: FakeDataPlane.start(word))
            change(&settings)
            let events = events
            supervisor = try DataPlaneSupervisor(settings) { events.add($0) }
        }

        func configuration(_ plan: String, key: UInt8 = 5) throws -> OutgoingConfiguration {
            let keys = try SecretBytes(count: 100_000)
            keys.set(0, key)
            return OutgoingConfiguration(plan: Array(plan.utf8), keys: keys, listeners: listeners, drainTime: 30_000)
        }
    }

    @Test("a data plane starts confined, serves, takes another plan, refuses one, and drains")
    func life() throws {
        let bench = try Bench("confined")
        try bench.supervisor.start(bench.configuration("first"))
        let first = try #require(FakeClient.ask(bench.address))
        #expect(first.plan == "first" && first.key == 5)
        try bench.supervisor.publish(bench.configuration("second", key: 6))
        #expect(FakeClient.ask(bench.address) == .init(process: first.process, plan: "second", key: 6))
        #expect(throws: SupervisorError.refused("the plan says refuse")) {
            try bench.supervisor.publish(bench.configuration("refuse"))
        }
        #expect(FakeClient.ask(bench.address)?.plan == "second")
        bench.supervisor.stop(drainMilliseconds: 5_000)
        #expect(bench.events.all.contains(.drained(process: first.process)))
        #expect(throws: SupervisorError.stopped) { try bench.supervisor.publish(bench.configuration("late")) }
        let sandboxed = bench.events.all.contains {
            if case .started(_, let sandbox) = $0 { sandbox.hasSystemCallFilter } else { false }
        }
        #expect(sandboxed)
    }

    @Test("what the kernel lacks is in the log of the start, a line each")
    func lacks() {
        let sandbox = Sandbox.Report(
            user: 65534,
            landlockVersion: 0,
            hasSystemCallFilter: false,
            lacks: ["This kernel has no Landlock.", "This kernel has no seccomp filters."]
        )
        let lines = SupervisorEvent.started(process: 7, sandbox: sandbox).description.split(separator: "\n")
        #expect(lines.first == "data plane 7 started as user 65534, Landlock off, system call filter off")
        #expect(lines.dropFirst() == ["This kernel has no Landlock.", "This kernel has no seccomp filters."])
    }

    @Test("other keys alone reach the data plane that runs, and each that starts later; refused ones do not")
    func change() throws {
        let bench = try Bench()
        func change(_ key: UInt8) throws -> OutgoingChange {
            let keys = try SecretBytes(count: 70_000)
            keys.set(0, key)
            return OutgoingChange(try bench.configuration("plan", key: key), keys: keys)
        }
        #expect(throws: SupervisorError.self) { try bench.supervisor.change(change(6)) }
        try bench.supervisor.start(bench.configuration("plan"))
        let first = try #require(FakeClient.ask(bench.address))
        try bench.supervisor.change(change(7))
        #expect(FakeClient.ask(bench.address) == .init(process: first.process, plan: "plan", key: 7))
        #expect(throws: SupervisorError.refused("the plan says refuse")) { try bench.supervisor.change(change(0)) }
        kill(first.process, SIGKILL)
        let next = try #require(FakeClient.ask(bench.address))
        #expect(next.process != first.process && next.key == 7)
        bench.supervisor.stop(drainMilliseconds: 1_000)
    }

    @Test("a killed data plane is replaced and nobody who connects meanwhile is refused")
    func killed() throws {
        let bench = try Bench()
        try bench.supervisor.start(bench.configuration("plan"))
        var last: Int32 = 0
        for round in 0..<3 {
            let answer = try #require(FakeClient.ask(bench.address), "round \(round)")
            #expect(answer.process != last && answer.plan == "plan" && answer.key == 5)
            last = answer.process
            kill(last, SIGKILL)
            // These connect while nobody accepts.
            for _ in 0..<5 { #expect(FakeClient.ask(bench.address)?.plan == "plan") }
        }
        bench.supervisor.stop(drainMilliseconds: 1_000)
    }

    @Test("one that served is followed at once however often; one that hardly did 100 ms later at most")
    func pauses() throws {
        for (usefulTime, expected) in [(0, [0, 0, 0, 0]), (.max, [0, 50, 100, 100])] {
            let bench = try Bench { $0.usefulTime = usefulTime }
            try bench.supervisor.start(bench.configuration("plan"))
            for round in 1...expected.count {
                let answer = try #require(FakeClient.ask(bench.address), "round \(round)")
                // It answers before control knows that it serves.
                let serves = bench.events.wait {
                    if case .published(answer.process, _, _) = $0 { true } else { false }
                }
                try #require(serves, "round \(round)")
                kill(answer.process, SIGKILL)
                let ended = bench.events.wait { if case .ended(answer.process, _, _) = $0 { true } else { false } }
                try #require(ended, "round \(round)")
            }
            let pauses = bench.events.all.compactMap { if case .ended(_, _, let pause) = $0 { pause } else { nil } }
            #expect(pauses == expected)
            bench.supervisor.stop(drainMilliseconds: 1_000)
        }
    }

    @Test("a stuck worker is named and its data plane replaced by one with the last good plan")
    func stuck() throws {
        let bench = try Bench { $0.stuckTime = 200 }
        try bench.supervisor.start(bench.configuration("good"))
        let first = try #require(FakeClient.ask(bench.address))
        try? bench.supervisor.publish(bench.configuration("stick"))
        let named = bench.events.wait {
            if case .stuck(first.process, 3, let doing, _) = $0 { doing.activity == .request } else { false }
        }
        #expect(named, "\(bench.events.all)")
        bench.supervisor.stop(drainMilliseconds: 1_000)
    }

    @Test("a plan that makes the data plane crash or lose its channel is not kept", arguments: ["crash", "deaf"])
    func crash(plan: String) throws {
        let bench = try Bench()
        try bench.supervisor.start(bench.configuration("good"))
        #expect(throws: SupervisorError.self) { try bench.supervisor.publish(bench.configuration(plan)) }
        #expect(FakeClient.ask(bench.address)?.plan == "good")
        bench.supervisor.stop(drainMilliseconds: 1_000)
    }

    @Test("a second start lets the first data plane drain; one that fails leaves it serving")
    func beside() throws {
        let bench = try Bench()
        try bench.supervisor.start(bench.configuration("old"))
        let old = try #require(FakeClient.ask(bench.address))
        #expect(throws: SupervisorError.refused("the plan says refuse")) {
            try bench.supervisor.start(bench.configuration("refuse"))
        }
        #expect(FakeClient.ask(bench.address) == old)
        try bench.supervisor.start(bench.configuration("new"))
        #expect(bench.events.wait { $0 == .drained(process: old.process) })
        let new = try #require(FakeClient.ask(bench.address))
        #expect(new.plan == "new" && new.process != old.process)
        bench.supervisor.stop(drainMilliseconds: 1_000)
    }

    @Test("a data plane is handed over and serves on under the next supervisor")
    func handedOver() throws {
        let bench = try Bench()
        try bench.supervisor.start(bench.configuration("plan"))
        let standing = try bench.supervisor.handOver()
        let answer = FakeClient.ask(bench.address)
        #expect(answer?.process == standing.process)
        let events = bench.events
        let next = try DataPlaneSupervisor(
            SupervisorSettings(start: FakeDataPlane.start("free")),
            standing: standing
        ) { events.add($0) }
        try next.publish(bench.configuration("renewed"))
        #expect(FakeClient.ask(bench.address)?.plan == "renewed")
        next.stop(drainMilliseconds: 1_000)
    }

    @Test("a program that is no data plane is an error at once, and is not tried for ever")
    func unfit() throws {
        let bench = try Bench { $0.start = ProcessStart(program: "/bin/false", arguments: ["false"]) }
        #expect(throws: SupervisorError.self) { try bench.supervisor.start(bench.configuration("plan")) }
        bench.supervisor.stop(drainMilliseconds: 100)
    }
}
