import CLinux
import Control
import Gateway
import Glibc
import Linux
import Site
import Snapshot
import Testing

/// The gateway's real workers as a confined data plane, without TLS and without pools: every request
/// gets an answer of its own.
final class BareGateway: DataPlaneService {
    static let variable = "GATEHOUSE_BARE_GATEWAY"

    private var service: GatewayService?
    private var listeners: [ListenerID: [ListeningSocket]] = [:]

    func prepare() throws {}

    func start(_ configuration: DataPlaneConfiguration, in environment: DataPlaneEnvironment) throws {
        let layout = SharedState.Layout(workers: 2, pools: 4, servers: 8)
        let region = try SharedMapping(
            adopting: environment.segments["state"]?.duplicate() ?? { throw FakeRefusal() }(),
            words: layout.words
        )
        let service = try GatewayService(
            workers: 2,
            state: SharedState(region: region, layout: layout),
            rings: [nil, nil]
        )
        try service.start(publication(configuration))
        self.service = service
    }

    func sessionKeys() throws -> SecretBytes? { nil }

    func publish(_ configuration: DataPlaneConfiguration) throws {
        try service?.publish(publication(configuration))
    }

    func uses(of certificate: String) -> [CertificateUseReport] { [] }

    var trials: [CertificateTrialReport] { [] }

    /// It has no listener that speaks TLS.
    func change(_ keys: SecretBytes) throws -> UInt64 { 0 }

    private func publication(_ configuration: DataPlaneConfiguration) throws -> Publication {
        listeners = configuration.listeners
        let plan = try SnapshotCodec.decode(Plan.self, from: configuration.plan)
        let sockets = configuration.listeners.values.flatMap(\.self)
        return Publication(plan: plan, certificates: [:], tickets: nil, sockets: [plan.listeners[0].id: [sockets]])
    }

    func tidy() { service?.tidy() }
    var drainTime: Int { 1_000 }
    func drain(deadlineMilliseconds: Int) { service?.drain(milliseconds: UInt64(deadlineMilliseconds)) }
    var isDrained: Bool { service?.isDrained ?? true }
}

@Suite("The gateway's workers in the sandbox")
struct GatewayInSandboxTests {
    @Test(
        "the process that runs them",
        .enabled(if: unsafe getenv(BareGateway.variable) != nil, "only in the process the supervisor starts")
    )
    func bareGatewayMain() {
        _exit(
            DataPlaneProcess.run(confinement: .init(user: nil, filter: .dataPlane()), service: BareGateway())
        )
    }

    @Test("they start, answer, take a new plan, are replaced when killed, and drain")
    func answers() throws {
        let address = try ListenerSetTests.freeAddress()
        let listeners = try ListenerSet(socketsPerAddress: 2).updated(for: [ListenerRequest(address: address)])
        var plan = Plan()
        plan.generation = 1
        plan.listeners = [ListenerPlan(id: 1, port: address.port)]
        let configuration = OutgoingConfiguration(
            plan: try SnapshotCodec.encode(plan),
            keys: try SecretBytes(count: 0),
            listeners: listeners,
            drainTime: 30_000
        )
        var start = FakeDataPlane.start("")
        start.environment.removeAll { $0.hasPrefix(FakeDataPlane.variable) }
        start.environment.append("\(BareGateway.variable)=1")
        start.arguments = start.arguments.map { $0 == "fakeDataPlaneMain" ? "bareGatewayMain" : $0 }
        var settings = SupervisorSettings(start: start)
        let layout = SharedState.Layout(workers: 2, pools: 4, servers: 8)
        let region = try SharedMapping(name: "state", words: layout.words)
        settings.segments = [SharedSegment(name: "state", owning: try region.descriptor.duplicate())]
        let supervisor = try DataPlaneSupervisor(settings) { _ in }
        try supervisor.start(configuration)
        for _ in 0..<20 { #expect(try status(of: address) == "HTTP/1.1 404") }
        try supervisor.publish(configuration)
        #expect(try status(of: address) == "HTTP/1.1 404")
        let standing = try supervisor.handOver()
        let next = try DataPlaneSupervisor(settings, standing: standing) { _ in }
        try next.publish(configuration)
        kill(standing.process, SIGKILL)
        for _ in 0..<20 { #expect(try status(of: address) == "HTTP/1.1 404") }
        next.stop(drainMilliseconds: 2_000)
    }

    private func status(of address: SocketAddress) throws -> String {
        let socket = try Socket.connect(to: address)
        #expect(waitUntilWritable(socket.raw))
        #expect(LineTransfer.send("GET / HTTP/1.1\r\nHost: foobar.com\r\n\r", to: socket.raw, within: 60_000))
        let line = LineTransfer.receive(socket.raw, limit: 1_000, within: 60_000) ?? "nothing"
        return String(line.prefix(12))
    }

    private func waitUntilWritable(_ fd: Int32) -> Bool {
        var entry = pollfd(fd: fd, events: Int16(POLLOUT), revents: 0)
        return unsafe poll(&entry, 1, 60_000) == 1
    }
}
