import Testing

@Suite("Bursts")
struct BurstTests {
    /// KiB that may stay: small objects of two hundred requests lie among others that are in use.
    private static let slack = 3072

    @Test("the memory of a burst goes back when it is over")
    func memoryGoesBack() throws {
        let app = try NginxServer("app", files: ["page": [UInt8](repeating: 65, count: 8 << 20)])
        let metrics = try Metrics()
        let gateway = try Gateway(servers: [.init(app)], gateway: [metrics.setting])
        let process = ProcessFacts(identifier: try gateway.dataPlane)
        #expect(try gateway.get("/files/page").status == 200)
        try eventually("the gateway is at rest") { try metrics.value("gatehouse_client_connections_open") == 0 }
        let before = process.anonymousMemory

        // Clients that ask and do not read.
        var clients = try (0..<200).map { _ in
            let client = try gateway.connect()
            try client.send("GET /files/page HTTP/1.1\r\nHost: foobar.test\r\n\r\n")
            return client
        }
        try metrics.reaches("gatehouse_buffers{state=\"in-use\"}", Double(clients.count))
        // Else there would be nothing to go back.
        try eventually("the burst shows") { process.anonymousMemory > before + 2 * Self.slack }

        clients = []
        try metrics.reaches("gatehouse_http_requests_total", 201)
        try eventually("memory goes back to \(before) KiB", within: .seconds(30)) {
            process.anonymousMemory < before + Self.slack
        }
    }
}
