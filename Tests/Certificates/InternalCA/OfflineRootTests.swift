import Certificates
import Foundation
import OpenSSL
import Testing

@Suite("An internal CA whose root's key is elsewhere")
struct OfflineRootTests {
    private let now = Int64(Date().timeIntervalSince1970)

    @Test("it issues on; the next intermediate needs the key, and is of the same root")
    func detached() throws {
        let scratch = try Scratch()
        let store = scratch.store
        let first = try InternalCA.loadOrCreate(in: store, named: "foobar.com", now: now)
        var taken: PrivateKey?
        try InternalCA.detachRoot(from: store, now: now) { key in taken = key }
        let key = try #require(taken)
        #expect(key.belongs(to: first.rootCertificate))
        let keys = try FileManager.default.subpathsOfDirectory(atPath: store.folder + "/internal-ca-root")
        #expect(!keys.contains { $0.hasSuffix("key.pem") }, "\(keys)")
        #expect(try store.audit.verify().fault == nil)

        let later = try InternalCA.loadOrCreate(in: store, named: "foobar.com", now: now)
        #expect(later.rootCertificate.der == first.rootCertificate.der)
        #expect(try later.issue(names: ["foobar.com"], now: now).chain[1].der == first.signingCertificate.der)
        // It ends soon, and there is no key: it goes on with what it has until the end, and then says what to do.
        let end = first.signingCertificate.validity.upperBound
        let last = try InternalCA.loadOrCreate(in: store, named: "foobar.com", now: end - 86_400)
        #expect(last.signingCertificate.der == first.signingCertificate.der)
        // Who operates it is told in time, and told what to do.
        let standing = try #require(try InternalCAStanding(in: store))
        #expect(!standing.hasRootKey && standing.warning(at: now) == nil)
        #expect(standing.warning(at: standing.nextWarning) == nil)
        let warning = try #require(standing.warning(at: standing.nextWarning + 1))
        #expect(warning.contains("ends at \(UTC.text(end))") && warning.contains("certs ca renew --root-key FILE"))
        #expect(end - standing.nextWarning >= 90 * 86_400)
        #expect(throws: CertificateProblem.rootKeyAway(folder: store.folder)) {
            try InternalCA.loadOrCreate(in: store, named: "foobar.com", now: end + 1)
        }
        #expect(throws: CertificateProblem.rootKeyAway(folder: store.folder)) {
            try InternalCA.renewIntermediate(in: store, rootKey: nil, named: "foobar.com", reason: "", now: now)
        }
        let stranger = try PrivateKey.generate(.ecdsaP256)
        let foreign = CertificateProblem.foreignRootKey(
            path: "/mnt/key.pem",
            folder: store.folder,
            subject: first.rootCertificate.subject
        )
        #expect("\(foreign)".hasPrefix("/mnt/key.pem: ") && "\(foreign)".contains(store.folder))
        #expect(throws: foreign) {
            try InternalCA.renewIntermediate(
                in: store,
                rootKey: (stranger, "/mnt/key.pem"),
                named: "foobar.com",
                reason: "",
                now: now
            )
        }
        let renewed = try InternalCA.renewIntermediate(
            in: store,
            rootKey: (key, "/mnt/key.pem"),
            named: "foobar.com",
            reason: "a test",
            now: now
        )
        #expect(renewed.signingCertificate.der != first.signingCertificate.der)
        #expect(renewed.signingCertificate.isIssued(by: first.rootCertificate))
        let bundle = try InternalCA.loadOrCreate(in: store, named: "foobar.com", now: now)
            .issue(names: ["foobar.com"], now: now)
        #expect(bundle.chain[1].der == renewed.signingCertificate.der)
        #expect(try InternalCAStanding(in: store)?.intermediate.der == renewed.signingCertificate.der)
    }

    @Test("who knows the CA already sees that the key goes, that it comes back, and that another signs")
    func seen() throws {
        let scratch = try Scratch()
        let store = scratch.store
        let provider = scratch.provider(at: now)
        #expect(try provider.authorityStanding() == nil)
        let first = try InternalCA.loadOrCreate(in: store, named: "foobar.com", now: now)
        #expect(try provider.authorityStanding()?.hasRootKey == true)
        let (place, elsewhere) = (store.folder + "/internal-ca-root/1/key.pem", scratch.path + "/root.key")
        try FileManager.default.moveItem(atPath: place, toPath: elsewhere)
        #expect(try provider.authorityStanding()?.hasRootKey == false)
        try FileManager.default.moveItem(atPath: elsewhere, toPath: place)
        #expect(try provider.authorityStanding()?.hasRootKey == true)
        let renewed = try InternalCA.renewIntermediate(
            in: store,
            rootKey: nil,
            named: "foobar.com",
            reason: "a test",
            now: now
        )
        #expect(renewed.signingCertificate.der != first.signingCertificate.der)
        #expect(try provider.authorityStanding()?.intermediate.der == renewed.signingCertificate.der)
    }

    @Test("the key is not put anywhere in the store, which it is to leave")
    func inside() throws {
        let scratch = try Scratch()
        let folder = scratch.store.folder
        _ = try InternalCA.loadOrCreate(in: scratch.store, named: "foobar.com", now: now)
        for out in ["/root.key", "/internal-ca-root/1/copy.pem", "/../certs/root.key"] {
            #expect(throws: CertificateProblem.insideStore(path: folder + out, folder: folder)) {
                try scratch.provider(at: now).detachRoot(to: folder + out)
            }
            #expect(!FileManager.default.fileExists(atPath: folder + out))
        }
        #expect(FileManager.default.fileExists(atPath: folder + "/internal-ca-root/1/key.pem"))
        try scratch.provider(at: now).detachRoot(to: scratch.path + "/root.key")
        #expect(!FileManager.default.fileExists(atPath: folder + "/internal-ca-root/1/key.pem"))
    }

    @Test("a key that cannot be deleted is not said to be gone, and a generation's is not, either")
    func remains() throws {
        let scratch = try Scratch()
        let store = CertificateStore(folder: scratch.path + "/certs")
        _ = try InternalCA.loadOrCreate(in: store, named: "foobar.com", now: now)
        // Not even root unlinks a folder.
        let key = store.folder + "/internal-ca-root/9/key.pem"
        try FileManager.default.createDirectory(atPath: key + "/folder", withIntermediateDirectories: true)
        let problem = #expect(throws: CertificateProblem.self) {
            try InternalCA.detachRoot(from: store, now: now) { _ in }
        }
        let words = try #require(problem?.description)
        #expect(words.contains("THE KEY COULD NOT BE DELETED") && words.contains("shred -u \(key)"), "\(words)")
        #expect(try !store.audit.verify().entries.contains { $0.event.kind == .retired && $0.event.generation == 9 })
        #expect(!FileManager.default.fileExists(atPath: store.folder + "/internal-ca-root/1/key.pem"))

        let stuck = store.folder + "/internal-ca/9/key.pem"
        try FileManager.default.createDirectory(atPath: stuck + "/folder", withIntermediateDirectories: true)
        #expect(throws: CertificateProblem.self) { try store.retire("internal-ca", reason: "a test", now: now) }
    }
}
