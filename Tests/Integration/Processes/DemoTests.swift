import Foundation
import Testing

/// `gatehouse demo`: what a newcomer sees first.
@Suite("Demonstration", .patient)
struct DemoTests {
    @Test("two app servers behind HTTPS and HTTP, shared 2 to 1, reached as localhost and as foobar.com")
    func demo() throws {
        let directory = try TemporaryDirectory()
        let (secure, plain) = (try Ports.free(), try Ports.free())
        let process = try ChildProcess(
            try Gateway.binary,
            ["demo", "--https-port", "\(secure)", "--http-port", "\(plain)"],
            in: directory,
            name: "demo",
            environment: ["HOME": directory.root, "XDG_RUNTIME_DIR": directory.root]
        )
        func curl(_ path: String, _ options: String..., host: String = "localhost") throws -> String {
            try run(
                "curl",
                ["--silent", "--insecure", "--max-time", "60", "--resolve", "\(host):\(secure):127.0.0.1"] + options
                    + ["https://\(host):\(secure)\(path)"],
                in: directory
            ).output
        }
        try eventually("the demo is ready: \(process.standardError)") {
            if process.poll() != nil { throw HarnessError("demo ended: \(process.standardError)") }
            return try curl("/healthz", "--output", "/dev/null", "--write-out", "%{http_code}") == "200"
        }
        try eventually("the guide is there") { process.standardOutput.contains("Try it:") }
        let names = try (0..<9).map { _ in
            try curl("/", "--output", "/dev/null", "--write-out", "%header{x-served-by}", host: "foobar.com")
        }
        #expect(Dictionary(grouping: names, by: { $0 }).values.map(\.count).sorted() == [3, 6], "\(names)")
        #expect(try curl("/bytes/1000").utf8.count == 1000)
        #expect(try curl("/status/418", "--output", "/dev/null", "--write-out", "%{http_code}") == "418")
        #expect(try curl("/echo", "--data", "hello").contains("POST"))
        let written = try directory.contents(of: "gatehouse/demo/site.yaml")
        let second = try run(
            try Gateway.binary,
            ["demo", "--https-port", "\(try Ports.free())", "--http-port", "\(try Ports.free())"],
            in: directory,
            environment: ["HOME": directory.root, "XDG_RUNTIME_DIR": directory.root]
        )
        #expect(second.status == 2 && second.error.contains("--dir"), "\(second.error)")
        #expect(try directory.contents(of: "gatehouse/demo/site.yaml") == written, "the first one's file is changed")
        process.send(15)
        #expect(try process.wait() == 0)
    }

    @Test("all of it ends with the demonstration, at Ctrl-C and when it is killed", arguments: [SIGINT, SIGKILL])
    func end(signal: Int32) throws {
        let directory = try TemporaryDirectory()
        let (secure, plain) = (try Ports.free(), try Ports.free())
        let process = try ChildProcess(
            try Gateway.binary,
            ["demo", "--https-port", "\(secure)", "--http-port", "\(plain)", "--dir", directory.path("demo")],
            in: directory,
            name: "demo"
        )
        try eventually("the guide is there: \(process.standardError)") {
            process.standardOutput.contains("Try it:")
        }
        let parts = process.children
        #expect(parts.count == 3, "two app servers and a data plane")
        process.send(signal)
        try process.wait()
        try eventually("nothing is left of it") {
            parts.allSatisfy { ProcessFacts(identifier: $0)["Name"] == nil } && (try? Socket.connect(to: secure)) == nil
        }
    }
}
