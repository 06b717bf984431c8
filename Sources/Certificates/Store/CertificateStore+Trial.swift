import Linux
import OpenSSL

/// While a share of the clients is shown the current generation first, `NAME/in-force` holds the number of the one that the
/// others are shown. That one stays whole, whatever is issued meanwhile, and nothing is retired.
extension CertificateStore {
    private func mark(of name: String) -> String { "\(folder)/\(name)/in-force" }

    /// The generation that most clients are shown while the current one is on trial; nil when none is.
    package func generationInForce(of name: String) throws(CertificateProblem) -> Int? {
        let held = try number(of: name, in: mark(of: name))
        let current = try number(of: name, in: pointer(of: name))
        // A crash may have left it after a way back.
        return held == current ? nil : held
    }

    /// The current generation is on trial from now on. The store is locked.
    ///
    /// - Parameter bundle: what the others are shown.
    internal func beginTrial(of name: String, besides bundle: CertificateBundle) throws(CertificateProblem) {
        // Where two new ones came at once, it may be gone: then whoever serves it brings it back (`restore`).
        guard let number = try generation(holding: bundle, of: name) else { return }
        try write("\(number)\n", to: mark(of: name))
    }

    /// All clients are shown the same from now on.
    package func endTrial(of name: String) throws(CertificateProblem) {
        // A store that can only be read has none to delete.
        if FileWriting.exists(mark(of: name)) { try delete(mark(of: name)) }
    }

    internal func requireNoTrial(of name: String) throws(CertificateProblem) {
        if let number = try generationInForce(of: name) { throw .onTrial(name: name, inForce: number) }
    }
}
