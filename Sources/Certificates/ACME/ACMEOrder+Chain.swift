import OpenSSL

/// The chain that an order comes to: clients get it as it is, so all of it must be good.
extension ACMEOrder {
    /// The chain whose top is wanted, of those that the CA gives (section 7.4.2); the CA's own choice when none is, or, where that
    /// is of no use, another.
    internal func bundle(
        _ url: String,
        _ names: [String],
        _ key: PrivateKey,
        chain wanted: String?
    ) throws(ACMEProblem) -> CertificateBundle {
        let answer = try session.post("", to: url)
        let usual = Result { () throws(ACMEProblem) in try checked(answer, url, names, key) }
        var fit = try? usual.get()
        if let fit, wanted.map(fit.isBelow) ?? true { return fit }
        for other in answer.links("alternate").prefix(Self.mostChains) {
            // One that is damaged is no reason to go without a certificate.
            guard let chain = try? checked(session.post("", to: other), other, names, key) else { continue }
            if wanted.map(chain.isBelow) ?? true { return chain }
            fit = fit ?? chain
        }
        if let fit { return fit }
        return try usual.get()
    }

    private static let mostChains = 8

    private func checked(
        _ answer: ACMEResponse,
        _ url: String,
        _ names: [String],
        _ key: PrivateKey
    ) throws(ACMEProblem) -> CertificateBundle {
        let bundle: CertificateBundle
        do throws(CertificateError) {
            var chain = try Certificate.load(pem: answer.body.span)
            // A root need not be sent (RFC 8446, section 4.4.2), and one that has ended is not the one that clients have.
            if chain.count > 1, let root = chain.last, root.validity.upperBound <= now(), root.isIssued(by: root) {
                chain.removeLast()
            }
            bundle = try CertificateBundle(chain: chain, key: key)
            try bundle.requireServable()
            try Transparency.require(of: bundle, at: now())
        } catch {
            throw .unfit(url: url, why: "what is no good certificate: \(error)")
        }
        try requireDates(of: bundle.leaf, "a certificate that", url)
        for issuer in bundle.chain.dropFirst() {
            try requireDates(of: issuer, "a chain with the certificate of \(issuer.subject), which", url)
        }
        let covered = bundle.identifiers
        guard Set(names).isSubset(of: covered) else {
            throw .unfit(url: url, why: "a certificate for \(covered.joined(separator: ", ")) only")
        }
        return bundle
    }

    /// Nobody would accept it: whichever of the two clocks is wrong, the one before stays.
    private func requireDates(of certificate: Certificate, _ what: String, _ url: String) throws(ACMEProblem) {
        let (now, validity) = (now(), certificate.validity)
        if validity.lowerBound > now + Self.clockSkew {
            let moment = UTC.text(validity.lowerBound)
            throw .unfit(url: url, why: "\(what) is not valid before \(moment), \(Self.words(now))")
        }
        if validity.upperBound <= now {
            let moment = UTC.text(validity.upperBound)
            throw .unfit(url: url, why: "\(what) expired at \(moment), \(Self.words(now))")
        }
    }

    private static func words(_ now: Int64) -> String {
        "where this machine's clock shows \(UTC.text(now)): one of the two clocks is wrong"
    }

    /// Seconds that a CA's clock may be ahead of ours: clocks are not set to the second.
    private static let clockSkew: Int64 = 300
}
