import Testing

/// `gatehouse server drain|ready|weight`, while it runs.
@Suite("Server commands", .patient)
struct ServerCommandTests {
    @Test("a server is drained, made ready and weighed by command")
    func commands() throws {
        let first = try ScriptedServer.named("first")
        let second = try ScriptedServer.named("second")
        let gateway = try Gateway(first, second)
        func shares() throws -> Int { try (0..<12).count { _ in try gateway.get().text == "first" } }
        let name = "web/127.0.0.1:\(first.port)"
        #expect(try shares() == 6)
        #expect(try gateway.command("server", "drain", name).status == 0)
        try eventually("the drained server gets nothing") { try shares() == 0 }
        #expect(try gateway.command("server", "ready", name).status == 0)
        try eventually("it gets its share again") { try shares() == 6 }
        #expect(try gateway.command("server", "weight", name, "2").status == 0)
        try eventually("it gets its new share") { try shares() == 8 }
        #expect(try gateway.command("server", "drain", "web/nobody").status != 0)
        let drained = try gateway.command("server", "drain", name, "--json")
        #expect(drained.status == 0 && drained.output.contains("\"server\": \"\(name)\""), "\(drained)")
        let reloaded = try gateway.command("reload", "--json")
        #expect(reloaded.status == 0 && reloaded.output.contains("\"generation\": "), "\(reloaded)")
    }
}
