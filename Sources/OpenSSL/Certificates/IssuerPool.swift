import Synchronization

/// Issuers that many chains have in common, kept once: of thousands of certificates of one CA, each would else have a copy
/// of its intermediate. Any thread may use it.
package final class IssuerPool: Sendable {
    private let known = Mutex<[[UInt8]: Certificate]>([:])

    package init() {}

    /// The certificate with these bytes, which is read when it is met for the first time.
    internal func certificate(der: Span<UInt8>) throws(CertificateError) -> Certificate {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(der.count)
        for index in der.indices { bytes.append(der[index]) }
        if let found = known.withLock({ $0[bytes] }) { return found }
        let certificate = try Certificate(der: der, isKeyWanted: false)
        known.withLock { $0[bytes] = certificate }
        return certificate
    }
}
