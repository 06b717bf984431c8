import Certificates
import Foundation
import Linux
import OpenSSL
import Site
import Testing

/// Damage that keeps nothing from being served, and is in the way of the next certificate.
@Suite("What is wrong with a store")
struct ObstacleTests {
    private let now = Int64(Date().timeIntervalSince1970)
    private let scratch: Scratch
    private let settings = CertificateSettings(name: "web", names: [.exact("foobar.com")], issuer: .internal)

    init() throws {
        scratch = try Scratch()
        _ = try provider.issue(settings, reason: "test")
    }

    private var store: CertificateStore { scratch.store }

    private var provider: CertificateProvider {
        var site = SiteModel(name: "foobar.com")
        site.certificateStore = store.folder
        site.certificates = ["web": settings]
        return CertificateProvider(for: site, now: now)
    }

    private func change(_ file: String, mode: Int) throws {
        try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: "\(store.folder)/\(file)")
    }

    @Test("a damaged history stops nothing, and is told before the next change and after it, until it was looked at")
    func history() throws {
        #expect(provider.storeWarnings() == [])
        let path = provider.audit.path
        let whole = try String(contentsOfFile: path, encoding: .utf8)
        try scratch.write("certs/audit.log", whole.replacingOccurrences(of: "issued", with: "Issued"))
        let before = provider.storeWarnings()
        #expect(before.count == 1 && before[0].contains("line 1"), "\(before)")
        _ = try provider.issue(settings, reason: "test")
        #expect(try store.currentGeneration(of: "web") == 2)
        let after = provider.storeWarnings()
        #expect(after.count == 1 && after[0].contains("\(path).damaged-1"), "\(after)")
        try FileManager.default.removeItem(atPath: path + ".damaged-1")
        #expect(provider.storeWarnings() == [])
    }

    @Test(
        "the CA's keys read by others, and folders written by others",
        arguments: [
            ("internal-ca/1/key.pem", 0o644, 0o600), ("internal-ca-root/1/key.pem", 0o640, 0o600),
            ("web", 0o777, 0o700), ("internal-ca", 0o720, 0o700), ("", 0o777, 0o700),
        ]
    )
    func modes(file: String, bad: Int, good: Int) throws {
        try change(file, mode: bad)
        let warnings = provider.storeWarnings()
        #expect(warnings.count == 1 && warnings[0].contains("mode \(String(bad, radix: 8))"), "\(warnings)")
        #expect(warnings.allSatisfy { $0.contains("chmod") })
        try change(file, mode: good)
        #expect(provider.storeWarnings() == [])
    }

    @Test("a place of plans where none can be kept")
    func plans() throws {
        let folder = store.folder + "/plans"
        try? FileManager.default.removeItem(atPath: folder)
        try scratch.write("certs/plans", "")
        let warnings = provider.storeWarnings()
        #expect(warnings.count == 1 && warnings[0].contains("forgotten at each start: \(folder)"), "\(warnings)")
        try FileManager.default.removeItem(atPath: folder)
        #expect(provider.storeWarnings() == [])
    }

    @Test("a folder that is read-only may be so for a service alone: how to mend both is said")
    func readOnly() {
        let error = FileError(path: store.folder, problem: .system(SystemError("open", EROFS)))
        let words = CertificateProblem.deniedStore(folder: store.folder, error).description
        #expect(words.contains("`findmnt -T \(store.folder)`"), "\(words)")
        #expect(words.contains("`ReadWritePaths=\(store.folder)`"), "\(words)")
    }

    @Test("a key that a write left behind which was broken off goes with the generation's own")
    func scraps() throws {
        for _ in 0..<2 { _ = try provider.issue(settings, reason: "test") }
        let secret = try String(contentsOfFile: "\(store.folder)/web/2/key.pem", encoding: .utf8)
        for generation in [1, 2] { try scratch.write("certs/web/\(generation)/.key.pem.4711", secret) }
        func left(_ generation: Int) throws -> [String] {
            try FileManager.default.contentsOfDirectory(atPath: "\(store.folder)/web/\(generation)").sorted()
        }
        // Of generation 1 there is no other key any more.
        #expect(try provider.retire(settings, reason: "stolen") == [1, 2])
        #expect(try left(1) == ["fullchain.pem"])
        #expect(try left(2) == ["fullchain.pem"])
        // One whose writer came no further.
        let folder = store.folder + "/web/4"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
        try scratch.write("certs/web/4/.key.pem.4711", secret)
        _ = try provider.issue(settings, reason: "test")
        #expect(!FileManager.default.fileExists(atPath: folder))
        #expect(try store.currentGeneration(of: "web") == 5)
    }

    @Test("files that some clients refuse are served where there is nothing else, and replace nothing")
    func doubtful() throws {
        let key = scratch.path + "/odd.key"
        let made = try RealTools.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
                + ["-keyout", key, "-out", scratch.path + "/odd.crt", "-subj", "/CN=foobar.com", "-days", "30"]
                + ["-addext", "subjectAltName=DNS:foobar.com", "-addext", "tlsfeature=status_request"]
        )
        #expect(made.status == 0, "\(made)")
        // Later than when it was made, by whichever clock.
        let provider = scratch.provider(for: settings, at: Int64(Date().timeIntervalSince1970) + 1)
        let pair = CertificateFiles(certificate: scratch.path + "/odd.crt", key: key)
        let files = CertificateSettings(name: "files", names: [.exact("foobar.com")], issuer: .files([pair]))
        func provide(_ served: [CertificateBundle], isStart: Bool) throws -> CertificateProvider.Provided {
            let found = Result { () throws(CertificateProblem) in try provider.find(files) }
            return try provider.provide(files, found: found, served: served, isStart: isStart)
        }
        let first = try provide([], isStart: true)
        #expect(first.isMakeshift && first.warnings.count == 1)
        #expect(first.warnings[0].contains("must-staple") && first.warnings[0].contains("SERVED AS IT IS"))
        // A reload of the same goes on; a running gateway takes it in place of no other.
        #expect(try provide(first.bundles, isStart: false).isMakeshift)
        #expect(throws: CertificateProblem.self) { try provide([], isStart: false) }
        let good = try store.load("web")
        #expect(throws: CertificateProblem.self) { try provide([good], isStart: false) }
        #expect(throws: CertificateProblem.self) { try provider.inspect(files) }
    }

    @Test("files that have ended, or have not begun, are served where there is nothing else, and replace nothing good")
    func ended() throws {
        let other = try InternalCA(named: "other", now: now - 20 * 86_400)
        func pair(_ name: String, from start: Int64, days: Int64) throws -> (CertificateFiles, CertificateBundle) {
            let bundle = try other.issue(names: ["foobar.com"], lifetime: days * 86_400, now: start)
            let chain = try scratch.write("\(name).crt", bundle.chainPEM, mode: 0o644)
            return (CertificateFiles(certificate: chain, key: try scratch.write("\(name).key", bundle.keyPEM)), bundle)
        }
        func provide(
            _ pairs: [CertificateFiles],
            _ served: [CertificateBundle],
            isStart: Bool
        ) throws -> CertificateProvider.Provided {
            let files = CertificateSettings(name: "files", names: [.exact("foobar.com")], issuer: .files(pairs))
            let found = Result { () throws(CertificateProblem) in try provider.find(files) }
            return try provider.provide(files, found: found, served: served, isStart: isStart)
        }
        let (old, over) = try pair("old", from: now - 10 * 86_400, days: 5)
        let (early, later) = try pair("early", from: now + 86_400, days: 5)
        let (fresh, good) = try pair("good", from: now - 86_400, days: 5)
        for (files, bundle, word) in [(old, over, "expired at"), (early, later, "not valid before")] {
            let first = try provide([files], [], isStart: true)
            #expect(first.bundles.map(\.leaf.der) == [bundle.leaf.der] && first.isMakeshift && first.renewal != nil)
            #expect(first.warnings.count == 1 && first.warnings[0].contains(word), "\(first.warnings)")
            #expect(first.warnings[0].contains("SERVED AS IT IS"), "\(first.warnings)")
            // A reload of the same goes on.
            #expect(try provide([files], first.bundles, isStart: false).isMakeshift)
            #expect(throws: CertificateProblem.self) { try provide([files], [good], isStart: false) }
            #expect(throws: CertificateProblem.self) { try provide([files], [], isStart: false) }
        }
        // Of two kinds of keys, the one that is good.
        #expect(try provide([old, fresh], [], isStart: true).bundles.map(\.leaf.der) == [good.leaf.der])
    }

    @Test("a root that has ended, at the end of files, keeps them from nothing: clients have a later one of its key")
    func endedRoot() throws {
        let keys = (root: try PrivateKey.generate(.ecdsaP256), leaf: try PrivateKey.generate(.ecdsaP256))
        var template = CertificateTemplate(
            role: .root,
            commonName: "Root",
            notBefore: now - 30 * 86_400,
            notAfter: now - 86_400
        )
        let root = try Certificate.issue(template, for: keys.root, by: nil)
        template = CertificateTemplate(
            role: .server,
            names: ["foobar.com"],
            notBefore: now - 86_400,
            notAfter: now + 20 * 86_400
        )
        let authority = Certificate.Authority(certificate: root, key: keys.root)
        let leaf = try Certificate.issue(template, for: keys.leaf, by: authority)
        let bundle = try CertificateBundle(chain: [leaf, root], key: keys.leaf)
        let chain = try scratch.write("rooted.crt", bundle.chainPEM, mode: 0o644)
        let pair = CertificateFiles(certificate: chain, key: try scratch.write("rooted.key", bundle.keyPEM))
        let files = CertificateSettings(name: "files", names: [.exact("foobar.com")], issuer: .files([pair]))
        let found = try #require(try provider.find(files))
        #expect(found.bundles.map(\.chain.count) == [2] && found.warnings.isEmpty, "\(found.warnings)")
        #expect(try provider.inspect(files).isEmpty)
        let standing = provider.standing(files)
        #expect(standing.ends == [leaf.validity.upperBound])
        #expect(standing.faults.isEmpty && standing.warnings.isEmpty, "\(standing)")
    }

    @Test("of files for two kinds of keys each good one takes the place of what is served; what has ended gives way")
    func kindsOfKeys() throws {
        let other = try InternalCA(named: "other", now: now - 20 * 86_400)
        func pair(
            _ name: String,
            _ kind: PrivateKey.Kind,
            isOver: Bool = false
        ) throws -> (CertificateFiles, CertificateBundle) {
            let start = isOver ? now - 10 * 86_400 : now
            let bundle = try other.issue(names: ["foobar.com"], key: kind, lifetime: 5 * 86_400, now: start)
            let chain = try scratch.write("\(name).crt", bundle.chainPEM, mode: 0o644)
            return (CertificateFiles(certificate: chain, key: try scratch.write("\(name).key", bundle.keyPEM)), bundle)
        }
        let provider = scratch.provider(for: settings, at: now)
        func renewed(
            _ pairs: [CertificateFiles],
            _ served: [CertificateBundle],
            names: [String] = ["foobar.com"]
        ) -> [String]? {
            let files = CertificateSettings(name: "files", names: names.map { .exact($0) }, issuer: .files(pairs))
            return provider.renewing(served, files)?.map(\.fingerprint)
        }
        let (ec, fresh) = try pair("ec", .ecdsaP256)
        let (rsa, good) = try pair("rsa", .rsa2048)
        let (oldEC, endedEC) = try pair("old-ec", .ecdsaP256, isOver: true)
        let (oldRSA, endedRSA) = try pair("old-rsa", .rsa2048, isOver: true)
        let both = ["foobar.com", "www.foobar.com"]
        let served = try other.issue(names: both, now: now)
        #expect(renewed([ec, oldRSA], [served, good]) == [fresh.fingerprint, good.fingerprint])
        #expect(renewed([ec, oldRSA], [served, endedRSA]) == [fresh.fingerprint])
        #expect(renewed([oldEC, rsa], [endedEC]) == [good.fingerprint])
        #expect(renewed([ec, oldRSA], [served], names: both) == [served.fingerprint], "its clients would lose a name")
        #expect(renewed([oldEC, oldRSA], [served]) == nil)
        #expect(renewed([oldEC], [served]) == nil)
    }
}
