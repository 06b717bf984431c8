import Testing

@testable import Gateway

@Suite("A health check")
struct HealthCheckTests {
    @Test(
        "names the server in Host as a URI does",
        arguments: [
            ("app-01", "app-01"), ("10.10.0.21", "10.10.0.21"), ("10.10.0.21:8080", "10.10.0.21:8080"),
            ("::1", "[::1]"), ("2001:db8::21", "[2001:db8::21]"), ("[2001:db8::21]:8080", "[2001:db8::21]:8080"),
        ]
    )
    func host(name: String, expected: String) {
        let server = ServerPlan(name: name, slot: 0, address: "::1", port: 8080, weight: 1)
        #expect(HealthCheck.host(of: server) == expected)
    }
}
