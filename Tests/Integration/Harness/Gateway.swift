import Foundation
import Testing

/// The built binary, serving a site file of the test's in a directory of its own. It is killed, with all that it
/// started, when this object is let go of.
final class Gateway {
    let directory: TemporaryDirectory
    private(set) var process: ChildProcess
    private(set) var site: SiteFile
    private let ports: [UInt16]
    private var mayEnd = false
    /// Data planes whose control plane the test killed: they serve on, and nobody's death ends them.
    private var orphans: [Int32] = []

    /// Where SwiftPM put the executable: beside the bundle that runs the tests; or what GATEHOUSE_BINARY says.
    static var binary: String {
        get throws {
            if let named = ProcessInfo.processInfo.environment["GATEHOUSE_BINARY"] { return named }
            let places = [
                ProcessInfo.processInfo.arguments[0], Bundle.main.bundlePath, Bundle.main.executablePath ?? "",
            ]
            for place in places {
                var parts = place.split(separator: "/", omittingEmptySubsequences: false)[...]
                while !parts.isEmpty {
                    let candidate = parts.joined(separator: "/") + "/gatehouse"
                    let attributes = try? FileManager.default.attributesOfItem(atPath: candidate)
                    if attributes?[.type] as? FileAttributeType == .typeRegular { return candidate }
                    parts = parts.dropLast()
                }
            }
            throw HarnessError("no gatehouse beside \(places[0]): `swift build --build-tests`, or GATEHOUSE_BINARY")
        }
    }

    /// The release build, for what an unoptimised one does not show; nil when nobody said where it is.
    static var releaseBinary: String? { ProcessInfo.processInfo.environment["GATEHOUSE_RELEASE"] }

    /// Starts the gateway and waits until it serves.
    /// - Parameters:
    ///   - ports: those that must accept before this returns.
    ///   - name: of the files that its output goes to.
    ///   - binary: in place of the one that was built with the tests.
    ///   - environment: added to the one of the tests.
    init(
        _ site: SiteFile,
        ports: [UInt16],
        in directory: TemporaryDirectory? = nil,
        name: String = "gatehouse",
        workers: Int = 2,
        binary: String? = nil,
        environment: [String: String] = [:]
    ) throws {
        self.directory = try directory ?? TemporaryDirectory()
        self.site = site
        self.ports = ports
        try self.directory.write(site.text, to: "site.yaml")
        process = try ChildProcess(
            try binary ?? Self.binary,
            [
                "serve", "--site", self.directory.path("site.yaml"), "--host", "front", "--workers", "\(workers)",
                "--socket", self.directory.path("admin.sock"),
            ],
            in: self.directory,
            name: name,
            environment: environment
        )
        try waitUntilReady()
    }

    /// A plain listener on a free port in front of the given servers.
    convenience init(
        servers: [SiteFile.Server],
        pool: [String] = [],
        gateway: [String] = [],
        workers: Int = 2,
        in directory: TemporaryDirectory? = nil,
        binary: String? = nil
    ) throws {
        let port = try Ports.free()
        try self.init(
            SiteFile(http: port, servers: servers, pool: pool, gateway: gateway),
            ports: [port],
            in: directory,
            workers: workers,
            binary: binary
        )
    }

    /// The same, in front of scripted servers.
    convenience init(_ servers: ScriptedServer..., pool: [String] = [], gateway: [String] = [], workers: Int = 2) throws
    {
        try self.init(
            servers: servers.map { SiteFile.Server($0) },
            pool: pool,
            gateway: gateway,
            workers: workers
        )
    }

    /// An end that no test asked for is a failure of whatever test it happens in.
    deinit {
        for orphan in orphans where ProcessFacts(identifier: orphan)["Name"] == "gatehouse-data" {
            kill(orphan, SIGKILL)
        }
        if !mayEnd, let status = process.poll() {
            Issue.record("gatehouse ended by itself with \(status): \(log.suffix(4000))")
        }
    }

    /// Asks it to drain and end.
    func stop() {
        mayEnd = true
        process.send(SIGTERM)
    }

    /// The process that serves.
    var dataPlane: Int32 {
        get throws {
            guard let child = process.children.first else { throw HarnessError("there is no data plane: \(log)") }
            return child
        }
    }

    /// Kills the control plane with -9 and leaves the data plane as it is.
    func loseControl() throws {
        mayEnd = true
        orphans = process.children
        process.send(SIGKILL)
        try process.wait()
    }

    /// The first listener's port.
    var port: UInt16 { ports[0] }

    /// What it said on standard error.
    var log: String { process.standardError }

    /// Entries of the access log, which is on standard output.
    var accessLog: [[String: Any]] {
        process.standardOutput.split(separator: "\n").compactMap {
            (try? JSONSerialization.jsonObject(with: Data($0.utf8))) as? [String: Any]
        }
    }

    /// A connection to the first listener. It keeps the gateway running for as long as it is held itself.
    func connect(from source: String? = nil, patience: Duration = .seconds(60)) throws -> HTTPConnection {
        let connection = try HTTPConnection(port: port, from: source, patience: patience)
        connection.gateway = self
        return connection
    }

    /// GET over a connection of its own.
    func get(_ target: String = "/", host: String = "foobar.test", fields: String = "") throws -> Message {
        try connect().exchange("GET \(target) HTTP/1.1\r\nHost: \(host)\r\n\(fields)\r\n")
    }

    /// Runs a command of the same binary against this gateway's admin socket.
    func command(_ arguments: String...) throws -> ToolResult {
        try run(try Self.binary, arguments + ["--socket", directory.path("admin.sock")], in: directory)
    }

    /// Writes another site file and asks for it by SIGHUP. What tells that it has taken effect is the test's matter.
    func reload(_ site: SiteFile) throws {
        self.site = site
        try directory.write(site.text, to: "site.yaml")
        process.send(SIGHUP)
    }

    private func waitUntilReady() throws {
        // The ports accept as soon as the control plane has bound them, before there is anybody to answer.
        try eventually("the gateway is ready and accepts on \(ports)") {
            if let status = process.poll() {
                mayEnd = true
                throw HarnessError("gatehouse ended with \(status): \(log)\nsite file:\n\(site.text)")
            }
            return log.contains("gatehouse: ready") && ports.allSatisfy { (try? Socket.connect(to: $0)) != nil }
        }
    }
}
