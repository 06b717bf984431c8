import Bytes
import COpenSSL

@testable import OpenSSL

/// A client and a server joined by two buffers.
final class Loopback {
    let client: TLSSession
    let server: TLSSession
    let toServer = ByteBuffer(capacity: 4096)
    let toClient = ByteBuffer(capacity: 4096)
    var clientProgress = TLSProgress.needsInput
    var serverProgress = TLSProgress.needsInput

    init(_ serverContext: TLSContext, _ clientContext: TLSContext, name: String, resuming: Ticket? = nil) throws {
        client = try TLSSession(client: clientContext, serverName: name)
        server = try TLSSession(server: serverContext)
        if let resuming { unsafe SSL_set_session(client.handle, resuming.handle) }
    }

    /// Lets both sides talk until they are done or one fails; then lets the client read the tickets.
    @discardableResult
    func handshake() -> Loopback {
        for _ in 0..<20 where clientProgress == .needsInput || serverProgress == .needsInput {
            // A side that is done or has failed stays so; the other still reads its last words.
            if clientProgress == .needsInput {
                clientProgress = client.handshake(incoming: toClient, outgoing: toServer)
            }
            if serverProgress == .needsInput {
                serverProgress = server.handshake(incoming: toServer, outgoing: toClient)
            }
        }
        if clientProgress == .done && serverProgress == .done {
            let plaintext = ByteBuffer(capacity: 64)
            _ = client.read(incoming: toClient, outgoing: toServer, into: plaintext, maximum: 64)
        }
        return self
    }

    var isDone: Bool { clientProgress == .done && serverProgress == .done }

    /// What the client saw of the server's certificate.
    var servedNames: [String] {
        guard let handle = unsafe SSL_get1_peer_certificate(client.handle) else { return [] }
        return unsafe Certificate(filling: handle).dnsNames
    }

    var servedKeyType: Int32 {
        unsafe EVP_PKEY_get_base_id(X509_get0_pubkey(SSL_get0_peer_certificate(client.handle)))
    }

    /// The client's ticket, for another connection.
    var ticket: Ticket? {
        // A session whose connection was not closed in order is not resumed by its client.
        unsafe SSL_set_shutdown(client.handle, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN)
        guard let handle = unsafe SSL_get1_session(client.handle) else { return nil }
        return unsafe Ticket(handle: handle)
    }
}

@safe
final class Ticket {
    let handle: OpaquePointer
    init(handle: OpaquePointer) { unsafe self.handle = handle }
    deinit { unsafe SSL_SESSION_free(handle) }
}

/// Contexts with the settings that most tests want.
enum Make {
    static func server(
        _ bundles: [CertificateBundle],
        keys: TicketKeys? = nil,
        unknown: CertificateGeneration.UnknownName = .refuse,
        _ change: (inout TLSContext.ServerSettings) -> Void = { _ in }
    ) throws -> TLSContext {
        var settings = TLSContext.ServerSettings()
        settings.alpn = ["h2", "http/1.1"]
        change(&settings)
        let context = try TLSContext(server: settings)
        context.publish(CertificateGeneration(number: 1, bundles: bundles, unknownName: unknown))
        if let keys { context.publish(keys) }
        return context
    }

    static func client(
        _ version: TLSVersion = .tls13,
        _ change: (inout TLSContext.ClientSettings) -> Void = { _ in }
    ) throws -> TLSContext {
        var settings = TLSContext.ClientSettings()
        settings.newest = version
        change(&settings)
        return try TLSContext(client: settings)
    }
}

/// A generator whose seed a test can print.
struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
