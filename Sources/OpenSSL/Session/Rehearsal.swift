internal import Bytes

extension CertificateBundle {
    /// A name that no certificate has (RFC 6761, section 6.4): the default certificate answers to it.
    private static let rehearsalName = "rehearsal.invalid"

    /// Serves the bundle once, in memory, to a client of TLS 1.3 that takes any certificate: a key that cannot sign, or
    /// what OpenSSL will not send, shows here and not in a client's handshake.
    ///
    /// Costs about as much as one handshake. Any thread.
    ///
    /// - Parameter settings: of a listener that asks for no certificates of clients.
    /// - Throws: why a client would not have got it.
    package func rehearse(at settings: TLSContext.ServerSettings = .init()) throws(RehearsalError) {
        let server: TLSSession
        let client: TLSSession
        do throws(OpenSSLError) {
            let context = try TLSContext(server: settings)
            context.publish(
                CertificateGeneration(number: 0, bundles: [self], unknownName: .serve(first: 1))
            )
            server = try TLSSession(server: context)
            client = try TLSSession(
                client: try TLSContext(client: TLSContext.ClientSettings()),
                serverName: Self.rehearsalName
            )
        } catch {
            throw .library(error)
        }
        try Self.join(server, client)
        guard let served = client.peerCertificate, served.der == leaf.der else { throw .otherCertificate }
    }

    /// Lets the two talk until both are done.
    private static func join(_ server: TLSSession, _ client: TLSSession) throws(RehearsalError) {
        let (toServer, toClient) = (ByteBuffer(capacity: 4096), ByteBuffer(capacity: 16_384))
        // A handshake of TLS 1.3 takes two turns.
        for _ in 0..<8 {
            let clientStands = client.handshake(incoming: toClient, outgoing: toServer)
            if case .failed(let failure) = clientStands { throw .handshake(side: "client", failure) }
            let serverStands = server.handshake(incoming: toServer, outgoing: toClient)
            if case .failed(let failure) = serverStands { throw .handshake(side: "server", failure) }
            if clientStands == .done, serverStands == .done { return }
        }
        throw .unfinished
    }
}

/// Why a certificate cannot be served.
package enum RehearsalError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The handshake failed at one side.
    case handshake(side: String, TLSFailure)
    case unfinished
    /// Another certificate came than the one that was to be served.
    case otherCertificate
    case library(OpenSSLError)

    package var description: String {
        switch self {
        case .handshake(let side, let failure):
            "it was rehearsed before anybody is shown it, and the handshake fails at the \(side) (\(failure))"
        case .unfinished: "it was rehearsed before anybody is shown it, and the handshake does not end"
        case .otherCertificate:
            "it was rehearsed before anybody is shown it, and the handshake brings another certificate"
        case .library(let error): "it could not be rehearsed before anybody is shown it: \(error)"
        }
    }
}
