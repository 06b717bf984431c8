import Testing

/// Keys of session tickets change by themselves while the gateway runs.
@Suite("Ticket keys")
struct TicketRotationTests {
    @Test("a ticket is taken for a while, and no longer when its key has gone")
    func rotate() throws {
        let front = try SecureGateway(
            [.init(try ScriptedServer.named("app"))],
            gateway: ["ticket-rotation: 2s"]
        )
        let file = front.directory.path("session")
        /// Two handshakes in a row, the second a resumption unless they are so far apart that a key has gone.
        func isTaken() throws -> Bool {
            let first = try TLSSession(port: front.secure, ["-sess_out", file], in: front.directory)
            #expect(first.succeeded && !first.isResumed, "\(first.text)")
            return try TLSSession(port: front.secure, ["-sess_in", file], in: front.directory).isResumed
        }
        try eventually("a ticket is taken") { try isTaken() }
        try eventually("the key has gone") {
            let later = try TLSSession(port: front.secure, ["-sess_in", file], in: front.directory)
            #expect(later.succeeded, "\(later.text)")
            return !later.isResumed
        }
        try eventually("tickets of the new key are taken") { try isTaken() }
    }
}
