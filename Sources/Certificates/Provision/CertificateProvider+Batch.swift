import Linux
import OpenSSL
package import Site

/// Many certificates of the internal CA at a time, as at the first start of a large site: one after another, each brought to
/// the disk by itself, they would take minutes.
extension CertificateProvider {
    /// How many come into the store together: others who change it wait for them.
    private static let together = 100

    /// Makes those that have to be made anew, where that needs no more than a signature.
    ///
    /// - Parameters:
    ///   - wanted: for which `find` gave nothing.
    ///   - tell: how many were made, of how many, after each of the steps that others can come between.
    /// - Returns: what was made, by name. What is missing, `provide` makes, or says what is in its way.
    package func provideTogether(
        _ wanted: [CertificateSettings],
        tell: (_ done: Int, _ all: Int) -> Void
    ) -> [String: Provided] {
        let own = wanted.filter { $0.issuer == .internal }
        guard own.count > 1 else { return [:] }
        var made: [String: Provided] = [:]
        for begin in stride(from: 0, to: own.count, by: Self.together) {
            let part = Array(own[begin..<min(begin + Self.together, own.count)])
            // RSA keys take a second each, which nobody should wait for.
            let keys = Parallel.map(part) { [self] settings in try? nextKey(of: settings) }
            let keyed = zip(part, keys).compactMap { settings, key in key.map { (settings, $0) } }
            guard let news = try? ordered({ () throws(CertificateProblem) in try makeTogether(keyed) }) else { break }
            made.merge(news) { _, new in new }
            tell(begin + part.count, own.count)
        }
        return made
    }
}
