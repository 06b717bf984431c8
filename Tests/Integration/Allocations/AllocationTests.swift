import Testing

/// On a connection that is kept, a request costs no memory: what it needs is there from the one before.
///
/// Counted in the release build, since a debug build allocates where an optimised one does not.
@Suite(
    "Allocations",
    .patient,
    .enabled(if: Gateway.releaseBinary != nil, "needs GATEHOUSE_RELEASE: `make test` sets it")
)
struct AllocationTests {
    struct Load: CustomTestStringConvertible {
        let name: String
        let options: [String]
        let isSecure: Bool
        var path = "/"

        var testDescription: String { name }
    }

    private static let loads = [
        Load(name: "HTTP/1.1", options: ["--h1"], isSecure: false),
        Load(name: "HTTPS/1.1", options: ["--h1"], isSecure: true),
        Load(name: "HTTP/2", options: [], isSecure: true),
        Load(name: "HTTPS/1.1 with 20,000-byte answers", options: ["--h1"], isSecure: true, path: "/files/page"),
        Load(name: "HTTP/2 with 20,000-byte answers", options: [], isSecure: true, path: "/files/page"),
    ]

    @Test("a keep-alive request makes no allocation of ours", arguments: loads)
    func keepAlive(load: Load) throws {
        let binary = try #require(Gateway.releaseBinary)
        let app = try NginxServer("app", files: ["page": [UInt8](repeating: 65, count: 20_000)])
        let directory = try TemporaryDirectory()
        let counter = try AllocationCounter(in: directory)
        let front = try SecureGateway(
            [.init(app)],
            tls: "unknown-name: default",
            gateway: ["metrics: { port: \(try Ports.free()) }"],
            workers: 1,
            in: directory,
            binary: binary,
            environment: counter.environment
        )
        func send(_ requests: Int) throws {
            let scheme = load.isSecure ? "https" : "http"
            let port = load.isSecure ? front.secure : front.plain
            let result = try run(
                "h2load",
                ["-n\(requests)", "-c1", "-m1", "-H", ":authority: foobar.test"] + load.options
                    + ["\(scheme)://127.0.0.1:\(port)\(load.path)"],
                in: directory
            )
            try #require(result.output.contains("status codes: \(requests) 2xx"), "\(result.output)")
        }

        // What a connection costs is in both measured runs, and so does not count.
        try send(1000)
        try counter.arm()
        // The control process does nothing for a request, but in turns by time, of which a slow machine has more.
        let processes = [(try front.gateway.dataPlane, 40), (front.gateway.process.identifier, 1_000)]
        func read() throws -> [AllocationCounter.Reading] { try processes.map { try counter.read($0.0) } }
        let start = try read()
        try send(200)
        let short = try read()
        try send(2200)
        let long = try read()

        for (index, (process, most)) in processes.enumerated() {
            func growth(_ figure: (AllocationCounter.Reading) -> Int) -> Int {
                (figure(long[index]) - figure(short[index])) - (figure(short[index]) - figure(start[index]))
            }
            func growth(of stack: [UInt64]) -> Int { growth { $0.stacks[stack] ?? 0 } }
            let (ours, theirs) = (growth(\.ours), growth(\.theirs))
            let name = ProcessFacts(identifier: process)["Name"] ?? ""
            print("\(load.name): \(ours) allocations of \(name) in 2000 requests, \(theirs) of OpenSSL and nghttp2")
            // A request that allocated even once would count 2000; what is left for timers is little.
            let worst = long[index].stacks.max { growth(of: $0.key) < growth(of: $1.key) }
            #expect(ours < most, "\(name); the most frequent:\n\(counter.describe(worst?.key ?? [], of: binary))")
        }
    }
}
