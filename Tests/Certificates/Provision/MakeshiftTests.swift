import Certificates
import Foundation
import OpenSSL
import Site
import Testing

@Suite("What is shown in place of a certificate that is damaged in the store")
struct MakeshiftTests {
    private let now = Int64(Date().timeIntervalSince1970)
    private let scratch: Scratch
    private let other: InternalCA

    init() throws {
        scratch = try Scratch()
        other = try InternalCA(named: "other", now: now)
    }

    private var store: CertificateStore { scratch.store }

    private var provider: CertificateProvider { scratch.provider(at: now) }

    private func settings(_ issuer: CertificateSettings.Issuer) -> CertificateSettings {
        CertificateSettings(name: "site", names: [.exact("foobar.com")], issuer: issuer)
    }

    private let acme = CertificateSettings.Issuer.acme(ACMESettings(directory: "https://ca.test/directory"))

    private func provide(
        _ settings: CertificateSettings,
        isServed: Bool = false
    ) throws -> CertificateProvider.Provided {
        let found = Result { () throws(CertificateProblem) in try provider.find(settings) }
        let served = isServed ? [try other.issue(names: ["foobar.com"], now: now)] : []
        return try provider.provide(settings, found: found, served: served, isStart: !isServed)
    }

    /// Another CA's certificate as the next generation.
    private func take(names: [String] = ["foobar.com"], lifetime: Int64 = 86_400) throws -> CertificateBundle {
        let bundle = try other.issue(names: names, lifetime: lifetime, now: now)
        try store.save(bundle, as: "site", .imported, reason: "a test", now: now)
        return bundle
    }

    private func damage(_ generation: Int, _ file: String = "fullchain.pem") throws {
        try scratch.write("certs/site/\(generation)/\(file)", "-----BEGIN CERTIFICATE-----\nMII", mode: 0o600)
    }

    @Test("the generation before, where it is whole, and why", arguments: ["fullchain.pem", "key.pem", "none"])
    func generationBefore(file: String) throws {
        let first = try take()
        _ = try take()
        if file == "none" {
            try FileManager.default.removeItem(atPath: store.folder + "/site/2/key.pem")
        } else {
            try damage(2, file)
        }
        let provided = try provide(settings(acme))
        #expect(provided.bundles.map(\.leaf.der) == [first.leaf.der])
        #expect(provided.isMakeshift && provided.isEmergency && !provided.isStandIn)
        let warning = try #require(provided.warnings.first)
        #expect(warning.contains("/site/2/") && warning.contains("GENERATION 1 IS SERVED"), "\(warning)")
        #expect(try #require(provided.renewal) > now, "it is looked at again")
        #expect(try store.currentGeneration(of: "site") == 2, "the store is a person's matter")
        #expect(!provider.standing(settings(acme)).faults.isEmpty, "its CA is asked for another")
        #expect(throws: CertificateProblem.self, "a good one is served") { try provide(settings(acme), isServed: true) }
    }

    @Test("what stands in for one that is not there yet, where there is no other or none that is of use")
    func standIn() throws {
        _ = try take()
        try damage(1)
        let provided = try provide(settings(acme))
        #expect(provided.isMakeshift && provided.bundles[0].names == ["foobar.com"])
        #expect(provided.warnings.first?.contains("A CERTIFICATE OF THE INTERNAL CA STANDS IN") == true)
        // One for other names, and one that was revoked, are of no use either.
        _ = try take(names: ["example.com"])
        _ = try take()
        try damage(3)
        #expect(try provide(settings(acme)).warnings.first?.contains("STANDS IN") == true)
        _ = try take()
        _ = try take()
        try Data().write(to: URL(fileURLWithPath: store.folder + "/site/4/revoked"))
        #expect(throws: CertificateProblem.revoked(name: "site", 4)) {
            try provider.rollBack(settings(acme), reason: "")
        }
        try damage(5)
        #expect(try provide(settings(acme)).warnings.first?.contains("STANDS IN") == true)
    }

    @Test("the last generation, where nothing says which was in use: a start needs it as much as a running gateway")
    func noPointer() throws {
        _ = try take()
        let last = try take()
        for damage in ["removed", "emptied"] {
            let pointer = store.folder + "/site/current"
            if damage == "removed" {
                try FileManager.default.removeItem(atPath: pointer)
            } else {
                try Data().write(to: URL(fileURLWithPath: pointer))
            }
            let provided = try provide(settings(acme))
            #expect(provided.bundles.map(\.leaf.der) == [last.leaf.der], "\(damage)")
            #expect(provided.isMakeshift && !provided.isStandIn, "\(damage)")
            let warning = try #require(provided.warnings.first)
            #expect(warning.contains("IS GONE") || warning.contains("GENERATION 2 IS SERVED, the last"), "\(warning)")
        }
    }

    @Test("the generation before, where the folder of the one in use is gone; a good one that is served stays")
    func lostGeneration() throws {
        let first = try take()
        _ = try take()
        let home = store.folder + "/site/2"
        try FileManager.default.removeItem(atPath: home)
        let lost = CertificateProblem.lostGeneration(name: "site", folder: home)
        #expect(throws: lost) { try store.load("site") }
        #expect(throws: lost) { try store.loadChain("site") }
        #expect(throws: lost, "a good one is served") { try provide(settings(acme), isServed: true) }
        #expect(provider.standing(settings(acme)).faults == ["\(lost)"])
        #expect("\(lost)".contains("gatehouse certs rollback site"))
        let provided = try provide(settings(acme))
        #expect(provided.bundles.map(\.leaf.der) == [first.leaf.der] && provided.isMakeshift)
        #expect(provided.warnings.first?.contains("\(home) IS GONE") == true, "\(provided.warnings)")
        #expect(provided.warnings.first?.contains("GENERATION 1 IS SERVED, the one before") == true)
        #expect(try store.rollBack("site", reason: "a test", now: now).leaf.der == first.leaf.der)
    }

    /// The current generation with another serial number in its last certificate, which no signature below tells of.
    private func damageLastIssuer(_ good: CertificateBundle, _ generation: Int) throws -> CertificateProblem {
        var bytes = good.chain[1].der
        // The serial number's third byte (RFC 5280, section 4.1).
        bytes[17] ^= 1
        let path = store.folder + "/site/\(generation)/fullchain.pem"
        let broken = try Certificate(der: bytes.span)
        try (good.leaf.pem + broken.pem).write(toFile: path, atomically: false, encoding: .utf8)
        return .changedChain(path: path, name: "site")
    }

    private func found() throws -> [CertificateStore.Discrepancy] {
        try store.discrepancies(from: try store.audit.verify(), of: "site")
    }

    @Test("what the last certificate of a foreign chain should be is known from the history, as far as that tells")
    func foreignChain() throws {
        let first = try take()
        let second = try take()
        #expect(second.chain.count == 2)
        #expect(try provider.standing(settings(acme)).faults.isEmpty && found().isEmpty)
        let problem = try damageLastIssuer(second, 2)
        #expect(provider.standing(settings(acme)).faults == ["\(problem)"])
        let told = try found()
        #expect(told.count == 1 && told[0].isOfChain && told[0].isSwapped)
        #expect("\(told)".contains("`gatehouse certs rotate site` makes another"), "\(told)")
        #expect(try provide(settings(acme)).bundles.map(\.leaf.der) == [first.leaf.der])
        #expect(throws: problem) { try provider.inspect(settings(acme)) }
        // What is added to the history is read, and what was known before it is known.
        let third = try take()
        #expect(provider.standing(settings(acme)).faults.isEmpty)
        let other = try damageLastIssuer(third, 3)
        #expect(provider.standing(settings(acme)).faults == ["\(other)"])
        #expect(throws: problem) { try store.rollBack("site", reason: "a test", now: now) }
        #expect(try found().map(\.generation) == [2, 3])
    }

    @Test("a line that is not as it was written tells of no chain, nor does one of before", arguments: [true, false])
    func untoldChain(isOlder: Bool) throws {
        _ = try take()
        let good = try take()
        if isOlder {
            try FileManager.default.removeItem(atPath: store.audit.path)
            let event = AuditEvent(
                .imported,
                certificate: "site",
                generation: 2,
                fingerprint: good.leaf.fingerprint,
                issuer: good.leaf.issuer,
                reason: "a test"
            )
            try store.audit.append(event, now: now)
        } else {
            let log = try String(contentsOfFile: store.audit.path, encoding: .utf8)
            let note = "\"chain\":\"\(good.chain.fingerprint.prefix(8))"
            #expect(log.contains(note))
            try scratch.write("certs/audit.log", log.replacingOccurrences(of: note, with: "\"chain\":\"00000000"))
        }
        #expect(provider.standing(settings(acme)).faults.isEmpty)
        _ = try damageLastIssuer(good, 2)
        #expect(provider.standing(settings(acme)).faults.isEmpty)
        #expect(try found().filter(\.isOfChain).isEmpty)
    }

    @Test("nothing, in place of a good one that is served and has vanished from the store")
    func vanished() throws {
        func look(_ served: CertificateProvider.Provided, _ settings: CertificateSettings) throws {
            let found = Result { () throws(CertificateProblem) in try provider.find(settings) }
            try provider.requireNoLoss(settings, found: found, served: served)
        }
        _ = try take()
        var served = try provide(settings(acme))
        try look(served, settings(acme))
        try FileManager.default.removeItem(atPath: store.folder + "/site")
        let loss = CertificateProblem.vanished(name: "site", folder: store.folder)
        #expect(throws: loss) { try look(served, settings(acme)) }
        #expect(loss.isDamage && "\(loss)".contains("/site IS GONE"))
        // The internal CA makes another one that clients trust; and a stand-in gives way to nothing worse.
        try look(served, settings(.internal))
        var ended = served
        ended.bundles = [try other.issue(names: ["foobar.com"], lifetime: 1, now: now - 100)]
        try look(ended, settings(acme))
        served.isStandIn = true
        try look(served, settings(acme))
    }

    @Test("of the internal CA too, where a key lets others in")
    func openKey() throws {
        let first = try provide(settings(.internal)).bundles[0]
        _ = try provider.issue(settings(.internal), reason: "")
        let key = store.folder + "/site/2/key.pem"
        try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: key)
        let provided = try provide(settings(.internal))
        #expect(provided.bundles[0].leaf.der == first.leaf.der)
        #expect(provided.warnings.first?.contains("chmod 600") == true, "\(provided.warnings)")
    }

    @Test(
        "damage to the internal CA itself keeps nothing that it signed from being shown, and is said",
        arguments: ["internal-ca-root/1/fullchain.pem", "internal-ca-root/current", "internal-ca/1/fullchain.pem"]
    )
    func authority(file: String) throws {
        let first = try provide(settings(.internal)).bundles[0]
        for damage in [Data("-----BEGIN CERTIFICATE-----\nMII".utf8), Data()] {
            try damage.write(to: URL(fileURLWithPath: store.folder + "/" + file))
            let provided = try provide(settings(.internal))
            #expect(provided.bundles.map(\.leaf.der) == [first.leaf.der])
            #expect(!provided.isMakeshift && !provided.isStandIn)
            let standing = provider.standing(settings(.internal))
            #expect(standing.faults.isEmpty && standing.isWanting(at: now), "\(standing)")
            #expect(standing.warnings.contains { $0.hasPrefix("no other can be made of it: ") }, "\(standing)")
        }
    }

    @Test("an intermediate that is damaged behind a whole leaf is noticed: clients would refuse both")
    func chain() throws {
        let first = try provide(settings(.internal)).bundles[0]
        var bytes = first.chain[1].der
        // The serial number's third byte (RFC 5280, section 4.1).
        bytes[17] ^= 1
        let broken = try Certificate(der: bytes.span)
        let path = store.folder + "/site/1/fullchain.pem"
        try (first.leaf.pem + broken.pem).write(toFile: path, atomically: false, encoding: .utf8)
        let standing = provider.standing(settings(.internal))
        #expect(standing.faults.count == 1 && standing.faults[0].contains("root did not sign"), "\(standing)")
        let provided = try provide(settings(.internal))
        #expect(provided.bundles[0].chain[1].der == first.chain[1].der, "another is made: the CA is whole")
        #expect(provided.notes.first?.contains("root did not sign") == true, "\(provided.notes)")
        #expect(try store.currentGeneration(of: "site") == 2)
    }

    @Test("nor one that no handshake brings, where another has ended")
    func weak() throws {
        let ended = try other.issue(names: ["foobar.com"], lifetime: 3_600, now: now - 7_200)
        let first = CertificateFiles(
            certificate: try scratch.write("ended.crt", ended.chainPEM),
            key: try scratch.write("ended.key", ended.keyPEM)
        )
        let second = CertificateFiles(certificate: scratch.path + "/rsa.crt", key: scratch.path + "/rsa.key")
        let made = try RealTools.run([
            "openssl", "req", "-x509", "-newkey", "rsa:1024", "-nodes", "-days", "30", "-subj", "/CN=foobar.com",
            "-addext",
            "subjectAltName=DNS:foobar.com", "-out", second.certificate, "-keyout", second.key,
        ])
        #expect(made.status == 0, "\(made)")
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: second.key)
        let both = settings(.files([first, second]))
        let refused = #expect(throws: CertificateProblem.self) { try provide(both) }
        #expect("\(refused as Any)".contains("expired"), "\(refused as Any)")
    }

    @Test("nothing is, where the site file itself names what cannot be used")
    func files() throws {
        let pair = CertificateFiles(certificate: scratch.path + "/none.crt", key: scratch.path + "/none.key")
        #expect(throws: CertificateProblem.self) { try provide(settings(.files([pair]))) }
    }
}
