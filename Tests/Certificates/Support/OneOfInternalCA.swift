import Certificates
import OpenSSL
import Site

/// A suite about one certificate of the internal CA, `site` for foobar.com, whose store is in the suite's folder.
protocol OneOfInternalCA {
    var scratch: Scratch { get }
    /// Seconds since 1970.
    var now: Int64 { get }
}

extension OneOfInternalCA {
    var settings: CertificateSettings {
        CertificateSettings(name: "site", names: [.exact("foobar.com")], issuer: .internal)
    }
    var store: CertificateStore { scratch.store }
    var provider: CertificateProvider { scratch.provider(at: now) }

    /// So many generations, one after another.
    func issue(_ count: Int) throws -> [CertificateBundle] {
        try (0..<count).map { _ in try provider.issue(settings, reason: "test") }
    }
}
