import Foundation

/// A proxy in front of Pebble that does what real CAs do and Pebble does not: `Tests/Tools/acme-faults.py`.
final class ACMEFaults {
    let port: UInt16
    private let directory: TemporaryDirectory
    private let process: ChildProcess

    /// One request that passed.
    struct Request {
        let method: String
        let path: String
        /// The payload of its JWS; nil when that was empty or none.
        let payload: [String: Any]?
        let status: Int
    }

    /// - Parameter orders: the members of its orders, as JSON.
    init(_ pebble: Pebble, orders: String, in directory: TemporaryDirectory) throws {
        self.directory = directory
        port = try Ports.free()
        try directory.write("{ \(orders) }", to: "orders.json")
        try directory.write("", to: "requests.log")
        let program = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appending(path: "../../Tools/acme-faults.py").standardizedFileURL.path
        process = try ChildProcess(
            "python3",
            [
                program, "\(port)", "\(pebble.port)", directory.path("pebble.crt"), directory.path("pebble.key"),
                directory.path("orders.json"), directory.path("requests.log"),
            ],
            in: directory,
            name: "faults"
        )
        try eventually("the proxy answers; \(process.standardError)", within: .seconds(60)) {
            try run("curl", ["-sk", url], in: directory).status == 0
        }
        try directory.write("", to: "requests.log")
    }

    var url: String { "https://127.0.0.1:\(port)/dir" }
    var log: String { process.standardError }

    /// From the next request on.
    func obey(_ orders: String) throws { try directory.write("{ \(orders) }", to: "orders.json") }

    /// All requests that it saw, in order.
    func requests() throws -> [Request] {
        try String(decoding: directory.contents(of: "requests.log"), as: UTF8.self).split(separator: "\n").map { line in
            guard let entry = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any],
                let method = entry["method"] as? String, let path = entry["path"] as? String,
                let status = entry["status"] as? Int
            else { throw HarnessError("no request: \(line)") }
            return Request(method: method, path: path, payload: entry["payload"] as? [String: Any], status: status)
        }
    }

    /// The payloads of new orders.
    func orders() throws -> [[String: Any]] { try requests().filter { $0.path == "/order-plz" }.compactMap(\.payload) }
}
