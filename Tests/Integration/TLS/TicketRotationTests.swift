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
        let first = try TLSSession(port: front.secure, ["-sess_out", file], in: front.directory)
        #expect(first.succeeded && !first.isResumed, "\(first.text)")
        let again = try TLSSession(port: front.secure, ["-sess_in", file], in: front.directory)
        #expect(again.isResumed, "\(again.text)")
        try eventually("the key has gone", within: .seconds(30)) {
            let later = try TLSSession(port: front.secure, ["-sess_in", file], in: front.directory)
            #expect(later.succeeded, "\(later.text)")
            return !later.isResumed
        }
        let fresh = try TLSSession(port: front.secure, ["-sess_out", file], in: front.directory)
        #expect(fresh.succeeded)
        let resumed = try TLSSession(port: front.secure, ["-sess_in", file], in: front.directory)
        #expect(resumed.isResumed, "tickets of the new key are taken")
    }
}
