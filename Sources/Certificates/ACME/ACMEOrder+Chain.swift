import OpenSSL

/// The chain that an order comes to: clients get it as it is, so all of it must be good.
extension ACMEOrder {
    /// The chain whose top is wanted, of those that the CA gives (section 7.4.2); the CA's own choice when none is, or, where that
    /// has ended, another.
    internal func bundle(
        _ url: String,
        _ names: [String],
        _ key: PrivateKey,
        chain wanted: String?
    ) throws(ACMEProblem) -> CertificateBundle {
        let answer = try session.post("", to: url)
        let usual = try checked(answer, url, names, key)
        let fault = faultOfDates(usual, url)
        if fault == nil, wanted.map(usual.isBelow) ?? true { return usual }
        var fit = fault == nil ? usual : nil
        for other in answer.links("alternate").prefix(Self.mostChains) {
            // One that is damaged is no reason to go without a certificate.
            guard let chain = try? checked(session.post("", to: other), other, names, key),
                faultOfDates(chain, other) == nil
            else { continue }
            if wanted.map(chain.isBelow) ?? true { return chain }
            fit = fit ?? chain
        }
        if fit == nil, let fault { throw fault }
        return fit ?? usual
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
            // A root that has ended is not the one that clients have.
            if let last = chain.last, last.validity.upperBound <= now() { chain = Array(chain.withoutRoot) }
            bundle = try CertificateBundle(chain: chain, key: key)
            try bundle.requireServable()
            try Transparency.require(of: bundle, at: now())
        } catch {
            throw .unfit(url: url, why: "what is no good certificate: \(error)")
        }
        let covered = bundle.identifiers
        guard Set(names).isSubset(of: covered) else {
            throw .unfit(url: url, why: "a certificate for \(covered.joined(separator: ", ")) only")
        }
        return bundle
    }

    /// Nobody would accept it: whichever of the two clocks is wrong, the one before stays.
    private func faultOfDates(_ bundle: CertificateBundle, _ url: String) -> ACMEProblem? {
        let now = self.now()
        let clocks = "where this machine's clock shows \(UTC.text(now)): one of the two clocks is wrong"
        for (index, certificate) in bundle.chain.withoutRoot.enumerated() {
            let owner = certificate.subject
            let what = index == 0 ? "a certificate that" : "a chain with the certificate of \(owner), which"
            let validity = certificate.validity
            if validity.lowerBound > now + Self.clockSkew {
                return .unfit(url: url, why: "\(what) is not valid before \(UTC.text(validity.lowerBound)), \(clocks)")
            }
            if validity.upperBound <= now {
                return .unfit(url: url, why: "\(what) expired at \(UTC.text(validity.upperBound)), \(clocks)")
            }
        }
        return nil
    }

    /// Seconds that a CA's clock may be ahead of ours: clocks are not set to the second.
    private static let clockSkew: Int64 = 300
}
