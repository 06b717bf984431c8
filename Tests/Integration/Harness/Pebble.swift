import Foundation

/// Pebble, the small ACME server, on the loopback, with a name server of its own that sends every name there. Half of its
/// nonces are refused and half of its authorizations used again, as it does by itself to try its clients.
final class Pebble {
    /// What differs from a plain one.
    struct Options {
        /// Where it looks for answers to HTTP-01 and TLS-ALPN-01.
        var httpPort: UInt16 = 5002
        var tlsPort: UInt16 = 5001
        var environment: [String: String] = [:]
        /// Members of the `pebble` object of its configuration, each with its comma.
        var settings = ""
        var arguments: [String] = []
        /// Apart from others in the same directory.
        var name = "pebble"
    }

    let port: UInt16
    /// Where the name server is told what to answer.
    let namesPort: UInt16
    private let management: UInt16
    private let directory: TemporaryDirectory
    private let options: Options
    private var process: ChildProcess
    private let names: ChildProcess
    /// Where the name server answers.
    let dnsPort: UInt16

    init(_ options: Options, in directory: TemporaryDirectory) throws {
        self.directory = directory
        self.options = options
        port = try Ports.free()
        management = try Ports.free()
        dnsPort = try Ports.free()
        namesPort = try Ports.free()
        let made = try run(
            "openssl",
            [
                "req", "-x509", "-nodes", "-days", "30", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                "-subj", "/CN=pebble", "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost",
                "-keyout", directory.path("\(options.name).key"), "-out", directory.path("\(options.name).crt"),
            ],
            in: directory
        )
        guard made.status == 0 else { throw HarnessError("openssl req: \(made.error)") }
        try directory.write(
            """
            { "pebble": {
                "listenAddress": "127.0.0.1:\(port)", "managementListenAddress": "127.0.0.1:\(management)",
                "certificate": "\(directory.path("\(options.name).crt"))",
                "privateKey": "\(directory.path("\(options.name).key"))",
                \(options.settings)
                "httpPort": \(options.httpPort), "tlsPort": \(options.tlsPort), "ocspResponderURL": ""
            } }
            """,
            to: "\(options.name).json"
        )
        names = try ChildProcess(
            "pebble-challtestsrv",
            [
                "-dns01", "127.0.0.1:\(dnsPort)", "-management", "127.0.0.1:\(namesPort)", "-http01", "",
                "-https01", "", "-tlsalpn01", "", "-defaultIPv4", "127.0.0.1", "-defaultIPv6", "",
            ],
            in: directory,
            name: "\(options.name)-names"
        )
        process = try Self.start(options, directory, dnsPort)
        try waitUntilReady()
    }

    private static func start(
        _ options: Options,
        _ directory: TemporaryDirectory,
        _ dnsPort: UInt16
    ) throws -> ChildProcess {
        try ChildProcess(
            "pebble",
            ["-config", directory.path("\(options.name).json"), "-dnsserver", "127.0.0.1:\(dnsPort)"]
                + options.arguments,
            in: directory,
            name: directory.uniqueName(options.name),
            environment: [
                "PEBBLE_VA_NOSLEEP": "1", "PEBBLE_WFE_NONCEREJECT": "50", "PEBBLE_AUTHZREUSE": "50",
            ].merging(options.environment) { $1 }
        )
    }

    var log: String { process.standardOutput + process.standardError + names.standardError }
    /// Its directory of ACME.
    var url: String { "https://127.0.0.1:\(port)/dir" }

    func stop() { process.send(SIGKILL) }

    /// It loses its accounts and orders, and gets another root.
    func restart() throws {
        process.send(SIGKILL)
        try process.wait()
        process = try Self.start(options, directory, dnsPort)
        try waitUntilReady()
    }

    /// Tells its name server something, as its management takes it.
    func tellNames(_ path: String, _ body: String) throws {
        let told = try run("curl", ["-sf", "-d", body, "http://127.0.0.1:\(namesPort)/\(path)"], in: directory)
        guard told.status == 0 else { throw HarnessError("\(path): \(told)") }
    }

    /// What its management says at a path.
    func management(_ path: String) throws -> ToolResult {
        try run("curl", ["-sk", "https://127.0.0.1:\(management)/\(path)"], in: directory)
    }

    /// A program that tells the name server, as a person's would: its part of an `issuer`.
    ///
    /// It notes each call in `hook.log`, and waits as long as there is a file `block`.
    func hook() throws -> String {
        try directory.write(
            """
            #!/bin/sh
            echo "$*" >> \(directory.path("hook.log"))
            while [ -e \(directory.path("block")) ]; do sleep 0.05; done
            case "$1" in
                present) set="set-txt" body="{\\"host\\":\\"$2\\",\\"value\\":\\"$3\\"}" ;;
                cleanup) set="clear-txt" body="{\\"host\\":\\"$2\\"}" ;;
                *) exit 2 ;;
            esac
            exec curl -sf -d "$body" http://127.0.0.1:\(namesPort)/$set
            """,
            to: "records"
        )
        try directory.makeExecutable("records")
        return "dns: { run: ./records, wait: 0s }"
    }

    private func waitUntilReady() throws {
        try eventually("Pebble answers; \(log)", within: .seconds(60)) {
            try run("curl", ["-sk", url], in: directory).status == 0
        }
    }
}
