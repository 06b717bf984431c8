internal import Bytes
internal import COpenSSL

/// What all sessions of one listener share, on one worker: an SSL_CTX, and what is published to it.
///
/// It holds no certificate of its own: each ClientHello looks its name up in the generation published
/// last. A context, its sessions and everything published to it are used by one thread.
@safe
package final class TLSContext {
    internal let handle: OpaquePointer
    internal let bio: OpaquePointer
    private let transfer: UnsafeMutablePointer<Transfer>
    /// The ALPN protocols, in order of preference.
    package let alpn: [String]
    /// The same in RFC 7301's form: each with its length before it. Allocated for OpenSSL's callback.
    internal let alpnWire: UnsafeMutableBufferPointer<UInt8>
    /// The certificates that new handshakes use.
    package private(set) var generation: CertificateGeneration?
    /// The keys that seal and open session tickets; without any, no tickets are given.
    package private(set) var ticketKeys: TicketKeys?
    /// First half of the session-id context: what of this listener a resumed session must not escape.
    internal let scope: [UInt8]
    /// When the lists of revoked certificates end, by which clients' ones are checked: seconds since 1970. Clients are
    /// refused from then on. nil without lists, or when they have no end.
    internal var revocationListsEnd: Int64?

    /// A context for the server side of a listener.
    package init(server settings: ServerSettings) throws(OpenSSLError) {
        let parts = unsafe try TLSContext.allocate(TLS_server_method(), alpn: settings.alpn)
        unsafe (handle, bio, transfer, alpnWire) = parts
        alpn = settings.alpn
        scope = Digest.sha256Half(settings.clientCertificates?.identity ?? [0])
        try configure(server: settings)
    }

    /// A context for the client side.
    package init(client settings: ClientSettings) throws(OpenSSLError) {
        let parts = unsafe try TLSContext.allocate(TLS_client_method(), alpn: settings.alpn)
        unsafe (handle, bio, transfer, alpnWire) = parts
        alpn = settings.alpn
        scope = []
        try configure(client: settings)
    }

    private typealias Parts = (
        OpaquePointer, OpaquePointer, UnsafeMutablePointer<Transfer>, UnsafeMutableBufferPointer<UInt8>
    )

    private static func allocate(_ method: OpaquePointer?, alpn: [String]) throws(OpenSSLError) -> Parts {
        // RFC 7301 section 3.1: names are 1 to 255 bytes long.
        if let wrong = alpn.first(where: { !(1...255).contains($0.utf8.count) }) {
            throw OpenSSLError("set the ALPN protocols", reason: "\"\(wrong)\" is not 1 to 255 bytes long")
        }
        // One OSSL_LIB_CTX for all: one for each worker saves 2 % of a handshake with two threads, nothing
        // with one, and takes 255 KiB.
        guard let handle = unsafe SSL_CTX_new(method) else { throw .drained("make a TLS context") }
        let transfer = UnsafeMutablePointer<Transfer>.allocate(capacity: 1)
        unsafe transfer.initialize(to: Transfer())
        guard let bio = unsafe TransferBIO.make(over: transfer) else {
            unsafe SSL_CTX_free(handle)
            unsafe transfer.deallocate()
            throw .drained("make a BIO")
        }
        let wire = alpn.flatMap { [UInt8($0.utf8.count)] + Array($0.utf8) }
        let buffer = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: wire.count)
        _ = unsafe buffer.initialize(from: wire)
        return unsafe (handle, bio, transfer, buffer)
    }

    deinit {
        // Sound: every session holds the context, so none is left that could use these.
        unsafe SSL_CTX_free(handle)
        unsafe BIO_free(bio)
        unsafe transfer.deallocate()
        unsafe alpnWire.deallocate()
    }

    /// Makes new handshakes use `generation`. Sessions under way keep what they have.
    package func publish(_ generation: CertificateGeneration) {
        self.generation = generation
    }

    /// Makes new tickets, and the opening of old ones, use `keys`.
    package func publish(_ keys: TicketKeys) {
        ticketKeys = keys
    }

    /// Lends the buffers of a call to the BIO. Nothing is retained: `detach` must follow in the same call.
    internal func attach(_ session: TLSSession, _ incoming: ByteBuffer?, _ outgoing: ByteBuffer) {
        // Sound: the references outlive the call, and `detach` drops them before it returns.
        unsafe transfer.pointee.incoming = incoming.map { unsafe Unmanaged.passUnretained($0) }
        unsafe transfer.pointee.outgoing = unsafe Unmanaged.passUnretained(outgoing)
        unsafe transfer.pointee.session = unsafe Unmanaged.passUnretained(session)
    }

    /// Takes the buffers back; true when the call ran out of input.
    @discardableResult
    internal func detach() -> Bool {
        let isStarved = unsafe transfer.pointee.isStarved
        unsafe transfer.pointee = Transfer()
        return isStarved
    }

    /// The session whose call is under way.
    internal var current: TLSSession? {
        // Sound: its caller keeps it alive for the call.
        unsafe transfer.pointee.session?.takeUnretainedValue()
    }
}
