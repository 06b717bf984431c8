import Control
import Glibc
import Linux
import Testing

/// The test program started once more, as a data plane: it answers each connection with its process number
/// and its plan. What the plan says also decides how it misbehaves.
final class FakeDataPlane: DataPlaneService {
    static let variable = "GATEHOUSE_FAKE_DATA_PLANE"

    /// How the supervisor starts it. The word chooses the sandbox: `free` or `confined`.
    static func start(_ word: String) -> ProcessStart {
        var environment = ["\(variable)=\(word)", "SWIFT_BACKTRACE=enable=no"]
        for name in ["PATH", "LD_LIBRARY_PATH"] {
            if let value = unsafe getenv(name) { environment.append(unsafe "\(name)=\(String(cString: value))") }
        }
        return ProcessStart(
            arguments: [
                "gatehouse-fake", "--testing-library", "swift-testing", "--quiet", "--filter", "fakeDataPlaneMain",
            ],
            environment: environment
        )
    }

    private var sockets: [ListeningSocket] = []
    private var plan = ""
    private var keys: SecretBytes?
    private var heartbeats: Heartbeats?
    private var draining = false
    private let shared = SharedAnswer()

    func prepare() throws {}

    func start(_ configuration: DataPlaneConfiguration, in environment: DataPlaneEnvironment) throws {
        heartbeats = environment.heartbeats
        try publish(configuration)
        let shared = shared
        _ = try Thread.start(name: "worker-0") {
            while true { shared.serve() }
        }
    }

    func publish(_ configuration: DataPlaneConfiguration) throws {
        // The keys of the call before have been wiped by now.
        if let keys, (0..<keys.count).contains(where: { keys.bytes[$0] != 0 }) { abort() }
        plan = String(decoding: configuration.plan, as: UTF8.self)
        if plan == "refuse" { throw FakeRefusal() }
        if plan == "crash" { abort() }
        if plan == "deaf" { close(DataPlaneConvention.channelDescriptor) }
        if plan == "stick" { heartbeats?.enter(.request, worker: 3, detail: 99) }
        keys = configuration.keys
        let text = "\(getpid()) \(plan) \(configuration.keys.count > 0 ? configuration.keys.bytes[0] : 0)"
        sockets = configuration.listeners.values.flatMap(\.self)
        shared.set(listeners: sockets, text)
    }

    func change(_ sealed: SecretBytes) throws -> UInt64 {
        let key = sealed.count > 0 ? sealed.bytes[0] : 0
        if key == 0 { throw FakeRefusal() }
        shared.set(listeners: sockets, "\(getpid()) \(plan) \(key)")
        return 0
    }

    func uses(of certificate: String) -> [CertificateUseReport] { [] }

    var trials: [CertificateTrialReport] { [] }

    /// What only it can have sent.
    func sessionKeys() throws -> SecretBytes? {
        let copy = try SecretBytes(count: 6)
        copy.set(5, 99)
        return copy
    }

    func tidy() {}

    var drainTime: Int { 1_000 }

    func drain(deadlineMilliseconds: Int) {
        sockets = []
        shared.set(listeners: [], "")
        draining = true
    }

    var isDrained: Bool { draining }

}

struct FakeRefusal: Error, CustomStringConvertible {
    var description: String { "the plan says refuse" }
}

@Suite("The fake data plane")
struct FakeDataPlaneMain {
    @Test(
        "runs as a data plane when the test program was started as one",
        .enabled(if: unsafe getenv(FakeDataPlane.variable) != nil, "only in the process the supervisor starts")
    )
    func fakeDataPlaneMain() {
        let word = unsafe getenv(FakeDataPlane.variable).map { unsafe String(cString: $0) }
        let filter: SystemCallFilter? = word == "confined" ? .dataPlane() : nil
        _exit(
            DataPlaneProcess.run(confinement: .init(user: nil, filter: filter), service: FakeDataPlane())
        )
    }
}
