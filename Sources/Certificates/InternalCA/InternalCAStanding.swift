package import OpenSSL

/// How the internal CA of a store stands: when its certificates end, and whether what is needed then is here.
package struct InternalCAStanding: Sendable {
    package let root: Certificate
    /// The one that signs now.
    package let intermediate: Certificate
    /// Those that signed before it, and were not taken back, as far as that can be read.
    private let earlier: [Certificate]
    /// The serial numbers of those that were.
    private let revoked: Set<[UInt8]>
    /// Why it cannot.
    private let damage: CertificateProblem?
    /// The root's key is on this machine: the intermediate is replaced by itself.
    package let hasRootKey: Bool
    /// Its root is the store's, so that it may sign.
    internal let isKnown: Bool

    /// Clients must be told of another root before this one ends: seconds.
    private static let rootMargin: Int64 = 180 * 86_400

    /// - Returns: nil when the store has no internal CA, and had none.
    package init?(in store: CertificateStore) throws(CertificateProblem) {
        guard let signer = try InternalCA.signer(in: store) else {
            try InternalCA.requireNoLoss(in: store)
            return nil
        }
        root = try InternalCA.root(in: store)
        isKnown = InternalCA.isKnown(root, in: store)
        intermediate = signer
        hasRootKey = InternalCA.hasRootKey(in: store)
        do throws(CertificateProblem) {
            (earlier, revoked) = try InternalCA.intermediates(of: root, in: store)
            damage = nil
        } catch {
            // What was signed by one that was taken back was replaced then by each gateway that ran, and is taken for good again by
            // one that did not: there is a warning as long as nobody can read the list.
            let root = root
            earlier = try InternalCA.intermediates(in: store, now: .min).map(\.certificate).filter {
                $0.isIssued(by: root)
            }
            revoked = []
            damage = error
        }
    }

    /// Why clients that have the root refuse a chain that this CA is to have issued.
    internal enum Flaw: String, Sendable {
        /// The certificate is of none of its intermediates that are known.
        case foreign = """
            it is of another CA than the internal one of this store, or of an intermediate that is gone from it
            """
        /// Clients who read the root's list refuse it.
        case revoked = "the internal CA has taken back the intermediate that signed it"
        /// Of the chain the first certificate alone is whole.
        case broken = """
            the internal CA's root did not sign the intermediate behind it: the file is damaged, or somebody changed it
            """
    }

    /// Whether the intermediate of a chain is on the root's list, as far as that can be read.
    package func hasTakenBack(_ chain: [Certificate]) -> Bool {
        guard let sent = chain.dropFirst().first, revoked.contains(sent.serialNumber) else { return false }
        return sent.isIssued(by: root)
    }

    /// Whether the root signed one of a chain, so that clients who have it take that.
    package func isOfRoot(_ chain: [Certificate]) -> Bool { chain.contains { $0.isIssued(by: root) } }

    /// What is wrong with a chain that was loaded, so that each of its certificates issued the one before; nil when nothing is.
    internal func flaw(of chain: [Certificate]) -> Flaw? {
        let sent = chain.dropFirst().first
        if let sent, sent.der == intermediate.der { return nil }
        let signers = [intermediate] + earlier
        guard let leaf = chain.first, signers.contains(where: leaf.isIssued(by:)) else {
            return hasTakenBack(chain) ? .revoked : .foreign
        }
        return sent?.isIssued(by: root) == true ? nil : .broken
    }

    /// What an operator has to do before it is too late; nil when it is nothing.
    ///
    /// - Parameter now: seconds since 1970.
    package func warning(at now: Int64) -> String? {
        if let damage { return "\(damage)" }
        let (rootEnd, end) = (root.validity.upperBound, intermediate.validity.upperBound)
        if rootEnd - now < Self.rootMargin {
            return
                "the root of the internal CA ends at \(UTC.text(rootEnd)): have another one made in another store, give that to "
                + "all clients, and then change to that store (docs/certificates.md, \"When the root ends\")"
        }
        guard !hasRootKey, end - now < InternalCA.intermediateMargin else { return nil }
        return
            "the intermediate of the internal CA ends at \(UTC.text(end)), what it signs ends with it, and the root's "
            + "key is not on this machine: bring it, and run `gatehouse certs ca renew --root-key FILE`"
    }

    /// From when on there is a warning, as things stand: seconds since 1970.
    package var nextWarning: Int64 {
        let root = root.validity.upperBound - Self.rootMargin
        return hasRootKey ? root : min(root, intermediate.validity.upperBound - InternalCA.intermediateMargin)
    }
}
