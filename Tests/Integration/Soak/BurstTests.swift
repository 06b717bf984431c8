import Testing

@Suite("Bursts", .patient)
struct BurstTests {
    private static let requests = 200
    /// Kept whole until the answer begins, in case that another server is to be sent it.
    private static let body = [UInt8](repeating: 65, count: 60_000)
    /// KiB that may stay, of 11,700: each worker's sixteen buffers, and heaps in which small objects lay.
    private static let slack = 5120

    @Test("the memory of a burst goes back when it is over")
    func memoryGoesBack() throws {
        let silent = try ScriptedServer(remembers: false) { $0.hold() }
        let metrics = try Metrics()
        let gateway = try Gateway(silent, gateway: [metrics.setting])
        let process = ProcessFacts(identifier: try gateway.dataPlane)
        let inUse = "gatehouse_buffers{state=\"in-use\"}"
        try eventually("the gateway is at rest") { try metrics.value(inUse) == 0 }
        let before = process.anonymousMemory

        let clients = try (0..<Self.requests).map { _ in
            let client = try gateway.connect()
            try client.send("PUT / HTTP/1.1\r\nHost: foobar.test\r\nContent-Length: \(Self.body.count)\r\n\r\n")
            try client.send(Self.body)
            return client
        }
        let burst = Self.requests * Self.body.count >> 10
        try eventually("most of the bodies are there", within: .seconds(120)) {
            process.anonymousMemory > before + burst * 3 / 4
        }
        for client in clients { client.socket.abort() }
        for series in [inUse, "gatehouse_client_connections_open", "gatehouse_server_requests_in_flight"] {
            try eventually("nothing of them is in use", within: .seconds(120)) { try metrics.value(series) == 0 }
        }
        try eventually("memory goes back to \(before) KiB", within: .seconds(120)) {
            process.anonymousMemory < before + Self.slack
        }
    }
}
