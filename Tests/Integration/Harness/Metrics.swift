/// The metrics of a gateway whose site file has `setting` among the lines of `gateway`.
struct Metrics {
    let port: UInt16

    init() throws {
        port = try Ports.free()
    }

    var setting: String { "metrics: { port: \(port) }" }

    /// The whole page.
    func page() throws -> String {
        // It is opened after those listeners that a gateway's start is told by.
        var socket: Socket?
        try eventually("metrics are served") {
            socket = try? Socket.connect(to: port)
            return socket != nil
        }
        guard let socket else { return "" }
        return try HTTPConnection(socket).exchange(
            "GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        ).text
    }

    /// The value of one series, named as the page names it, or the sum of all of a family.
    func value(_ series: String) throws -> Double {
        try page().split(separator: "\n").reduce(0) { sum, line in
            guard line.hasPrefix(series + " ") || line.hasPrefix(series + "{"), let space = line.lastIndex(of: " ")
            else { return sum }
            return sum + (Double(line[line.index(after: space)...]) ?? 0)
        }
    }

    /// Polls until a series has at least this value.
    func reaches(_ series: String, _ value: Double = 1) throws {
        try eventually("\(series) is \(value)") { try self.value(series) >= value }
    }
}
