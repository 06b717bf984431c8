import Certificates
import Control
import Foundation
import Gateway
import Linux
import OpenSSL
import Site
import Testing

@Suite("A configuration of which some certificates may have changed")
struct NamedRenewalTests {
    private let folder = FileManager.default.temporaryDirectory.path + "/gatehouse-named-\(UUID().uuidString)"

    /// A site with three certificates of the internal CA, as a start finds it that is not the first.
    private func site() throws -> (SiteConfiguration, PlanCompiler.Slots) {
        try write()
        _ = try load()
        return try load()
    }

    private func write(key: String = "ecdsa-p256") throws {
        try write(["one", "two", "three"].map { ($0, "names: [\($0).example], issuer: internal, key: \(key)") })
    }

    private func write(_ certificates: [(name: String, settings: String)], store: String = "store") throws {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let text = """
            site: a.example
            gateway:
              listen: [{ port: 443, tls: { certificates: [\(certificates.map(\.name).joined(separator: ", "))] } }]
              pools: { web: { servers: [{ address: 192.0.2.1, port: 8080 }] } }
              routes: [{ hosts: [one.example], pool: web }]
            certificate-store: \(store)
            certificates:
            \(certificates.map { "  \($0.name): { \($0.settings) }" }.joined(separator: "\n"))
            """
        try text.write(toFile: "\(folder)/site.yaml", atomically: true, encoding: .utf8)
    }

    private func load(after earlier: SiteConfiguration? = nil) throws -> (SiteConfiguration, PlanCompiler.Slots) {
        var slots = PlanCompiler.Slots()
        let path = "\(folder)/site.yaml"
        let loaded = try SiteConfiguration.load(path: path, generation: 1, slots: &slots, after: earlier)
        return (loaded, slots)
    }

    private func rotate(_ names: [String], of site: SiteModel) throws {
        let provider = CertificateProvider(for: site, now: Int64(Date().timeIntervalSince1970))
        for name in names { _ = try provider.issue(try #require(site.certificates[name]), reason: "a test") }
    }

    /// The names whose certificates are others.
    private func news(_ fresh: SiteConfiguration, since before: SiteConfiguration) -> Set<String> {
        Set(fresh.keyring.names(differingFrom: before.keyring))
    }

    @Test("those that are named are looked at, and no others; the rest comes with the next look at all")
    func named() throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        var (first, slots) = try site()
        try rotate(["one", "two"], of: first.site)
        let second = try first.renewed(generation: 2, slots: &slots, of: ["one"])
        #expect(news(second, since: first) == ["one"])
        #expect(second.keyring.certificates.count == 3)
        let third = try second.renewed(generation: 3, slots: &slots, of: [])
        #expect(news(third, since: second) == [])
        let all = try third.renewed(generation: 4, slots: &slots)
        #expect(news(all, since: third) == ["two"])
    }

    @Test("of files for two kinds of keys those that are good are taken, though a reload refuses the others")
    func pairs() throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let now = Int64(Date().timeIntervalSince1970)
        let ca = try InternalCA(named: "other", now: now)
        func put(_ kind: PrivateKey.Kind, _ name: String) throws -> String {
            let bundle = try ca.issue(names: ["one.example"], key: kind, now: now)
            let chain = bundle.chain.map(\.pem).joined()
            try chain.write(toFile: "\(folder)/\(name).pem", atomically: true, encoding: .utf8)
            let key = bundle.key.pem
            let path = "\(folder)/\(name).key"
            try Data((0..<key.count).map { key.bytes[$0] }).write(to: URL(fileURLWithPath: path))
            try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: path)
            return bundle.fingerprint
        }
        let files = ["ec", "rsa"].map { "{ certificate: \($0).pem, key: \($0).key }" }.joined(separator: ", ")
        try write([("one", "names: [one.example], issuer: { files: [\(files)] }")])
        let first = (ec: try put(.ecdsaP256, "ec"), rsa: try put(.rsa2048, "rsa"))
        func shown(_ site: SiteConfiguration) -> [String] { site.keyring.certificates["one"]?.map(\.fingerprint) ?? [] }
        var (site, slots) = try load()
        #expect(shown(site) == [first.ec, first.rsa])
        try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: "\(folder)/rsa.key")
        let ec = try put(.ecdsaP256, "ec")
        let before = site
        #expect(throws: ConfigurationError.self) { try load(after: before) }
        site = try site.renewed(generation: 2, slots: &slots, of: ["one"])
        #expect(shown(site) == [ec, first.rsa])
        let words = site.warnings.filter { $0.hasSuffix("SERVED ON, AND WHAT IS GOOD OF ITS OTHER FILES") }
        #expect(words.count == 1 && words[0].contains("rsa.key"), "\(site.warnings)")
        let rsa = try put(.rsa2048, "rsa")
        site = try site.renewed(generation: 3, slots: &slots, of: [])
        #expect(shown(site) == [ec, rsa] && !site.warnings.contains { $0.contains("SERVED ON") }, "\(site.warnings)")
    }

    @Test("another store, in which there is nothing, is refused while certificates of this one are served")
    func otherStore() throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let (first, _) = try site()
        try write([("one", "names: [one.example], issuer: internal")], store: "stroe")
        #expect {
            try load(after: first)
        } throws: { error in
            let status = (error as? ConfigurationError)?.exitStatus
            return "\(error)".contains("there is nothing in \(folder)/stroe") && status == 1
        }
        #expect(!FileManager.default.fileExists(atPath: "\(folder)/stroe"))
        // A copy of the store is none.
        try FileManager.default.copyItem(atPath: "\(folder)/store", toPath: "\(folder)/stroe")
        #expect(try load(after: first).0.keyring.certificates.count == 1)
    }

    @Test("a store that others hold is waited for once, not for each; the next reload makes what is missing")
    func held() throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let (first, _) = try site()
        try write(key: "ecdsa-p384")
        let lock = try FileLock.take("\(folder)/store/.lock", within: 60_000)
        let before = try sleeps()
        let (second, _) = try load(after: first)
        // A wait is a thousand.
        let count = try sleeps() - before
        #expect((1_000..<2_000).contains(count), "\(count)")
        #expect(news(second, since: first) == [])
        #expect(first.owed == [] && second.owed == ["one", "two", "three"])
        #expect(second.warnings.filter { $0.contains("is being changed by another process") }.count == 3)
        let provider = CertificateProvider(for: second.site, now: Int64(Date().timeIntervalSince1970))
        let listed = try second.site.certificates.keys.sorted().map { name in
            provider.standing(try #require(second.site.certificates[name]))
        }
        #expect(listed.allSatisfy { $0.faults.isEmpty && $0.warnings.count == 1 }, "\(listed)")
        #expect(listed.allSatisfy { $0.warnings.first?.contains("another kind of key than ecdsa-p384") == true })
        _ = consume lock
        let (third, _) = try load(after: second)
        #expect(news(third, since: second) == ["one", "two", "three"] && third.owed == [])
        #expect(third.keyring.certificates.values.allSatisfy { $0.first?.key.kind == .ecdsaP384 })
    }

    @Test("one that lacks a name that is served is not taken, but where its CA refused that, or an operator went back")
    func narrower() throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let directory = "https://127.0.0.1:1/directory"
        try write([("web", "names: [one.example, two.example], issuer: { acme: \"\(directory)\" }")])
        let store = CertificateStore(folder: "\(folder)/store")
        let now = Int64(Date().timeIntervalSince1970)
        let ca = try InternalCA(named: "ca.test", now: now)
        func put(_ names: String...) throws -> CertificateBundle {
            let bundle = try ca.issue(names: names, now: now)
            try store.save(bundle, as: "web", reason: "a test", now: now)
            return bundle
        }
        _ = try put("one.example", "two.example")
        var (first, slots) = try load()
        let narrow = try put("one.example")
        let second = try first.renewed(generation: 2, slots: &slots, of: ["web"])
        #expect(news(second, since: first) == [] && second.makeshifts == ["web"])
        let told = second.warnings.filter { $0.contains("does not cover two.example") && $0.contains("SERVED ON") }
        #expect(told.count == 1, "\(second.warnings)")
        // It keeps nothing else from coming into force.
        #expect(try news(load(after: second).0, since: first) == [])

        var plan = RenewalPlan()
        plan.succeed(
            .init(fingerprint: narrow.leaf.fingerprint, directory: directory, account: "me"),
            life: 1,
            but: "two.example was refused",
            wishing: "two names",
            at: now
        )
        store.keep(plan, of: "web")
        first = try second.renewed(generation: 3, slots: &slots, of: ["web"])
        #expect(news(first, since: second) == ["web"] && first.makeshifts == [])

        store.keep(RenewalPlan(), of: "web")
        _ = try put("one.example", "two.example")
        let whole = try first.renewed(generation: 4, slots: &slots, of: ["web"])
        #expect(news(whole, since: first) == ["web"])
        _ = try store.rollBack("web", reason: "a test", now: now)
        let back = try whole.renewed(generation: 5, slots: &slots, of: ["web"])
        #expect(news(back, since: whole) == ["web"] && back.makeshifts == [])
    }

    @Test("what was done is told once, also when no certificate is looked at")
    func notes() throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try write()
        var (first, slots) = try load()
        #expect(first.notes.count >= 3, "\(first.notes)")
        // Once with all that are new since they were looked for, and once without.
        for generation in 2...3 {
            let next = try first.renewed(generation: UInt64(generation), slots: &slots, of: [])
            #expect(next.notes == [])
            first = next
        }
    }

    @Test("when the intermediate is taken back all of the internal CA's are others, whichever is named; else none is")
    func authority() throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        var (first, slots) = try site()
        let provider = CertificateProvider(for: first.site, now: Int64(Date().timeIntervalSince1970))
        _ = try provider.renewIntermediate(rootKey: nil)
        let second = try first.renewed(generation: 2, slots: &slots, of: ["two"])
        #expect(news(second, since: first) == [])
        _ = try provider.renewIntermediate(rootKey: nil, revoking: .keyCompromise)
        let third = try second.renewed(generation: 3, slots: &slots, of: ["two"])
        #expect(news(third, since: second) == ["one", "two", "three"])
    }

    @Test(
        "so is what it has signed for others: what stands in, and what it issued before; and once its root is given up",
        arguments: [false, true]
    )
    func authorityOfOthers(isRoot: Bool) throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let acme = "issuer: { acme: \"https://127.0.0.1:1/directory\" }"
        func put(_ issuer: String) throws {
            let issuers = [("one", "issuer: internal"), ("two", acme), ("three", issuer)]
            try write(issuers.map { ($0, "names: [\($0).example], \($1)") })
        }
        try put("issuer: internal")
        _ = try load()
        try put(acme)
        var (first, slots) = try load()
        #expect(first.standIns == ["two"])
        let provider = CertificateProvider(for: first.site, now: Int64(Date().timeIntervalSince1970))
        if isRoot {
            for part in ["internal-ca", "internal-ca-root"] {
                try FileManager.default.removeItem(atPath: "\(folder)/store/\(part)")
            }
            _ = try provider.root()
        } else {
            _ = try provider.renewIntermediate(rootKey: nil, revoking: .keyCompromise)
        }
        let second = try first.renewed(generation: 2, slots: &slots, of: ["one"])
        #expect(news(second, since: first) == ["one", "two", "three"])
        #expect(second.standIns == ["two", "three"])
        let third = try second.renewed(generation: 3, slots: &slots, of: ["one"])
        #expect(news(third, since: second) == [])
    }

    @Test("a look between the new intermediate and the root's list keeps nothing of the one that is taken back")
    func authorityWithoutList() throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        var (first, slots) = try site()
        let home = "\(folder)/store/internal-ca-root"
        let files = try FileManager.default.contentsOfDirectory(atPath: home)
        let name = try #require(files.first { $0.hasSuffix(".crl") })
        let list = URL(fileURLWithPath: "\(home)/\(name)")
        let before = try Data(contentsOf: list)
        let provider = CertificateProvider(for: first.site, now: Int64(Date().timeIntervalSince1970))
        _ = try provider.renewIntermediate(rootKey: nil, revoking: .keyCompromise)
        let after = try Data(contentsOf: list)
        try before.write(to: list, options: .atomic)
        let second = try first.renewed(generation: 2, slots: &slots, of: ["two"])
        #expect(news(second, since: first) == [])
        try after.write(to: list, options: .atomic)
        let third = try second.renewed(generation: 3, slots: &slots, of: ["two"])
        #expect(news(third, since: second) == ["one", "two", "three"])
    }

    @Test("what is wrong with a certificate's folder is said until that is mended, whichever is looked at meanwhile")
    func folders() throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        var (first, slots) = try site()
        #expect(first.storeWarnings == [])
        let home = "\(folder)/store/two"
        func open(_ isOpen: Bool) throws {
            try FileManager.default.setAttributes([.posixPermissions: isOpen ? 0o777 : 0o700], ofItemAtPath: home)
        }
        try open(true)
        let second = try first.renewed(generation: 2, slots: &slots, of: ["two"])
        #expect(second.storeWarnings.count == 1, "\(second.storeWarnings)")
        let third = try second.renewed(generation: 3, slots: &slots, of: ["one"])
        #expect(third.storeWarnings == second.storeWarnings)
        try open(false)
        let last = try third.renewed(generation: 4, slots: &slots, of: ["two"])
        #expect(last.storeWarnings == [])
    }

    @Test("the folder of a generation that is gone is noticed by what is looked at, and so is that it came back")
    func lostGeneration() throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        var (first, slots) = try site()
        let home = "\(folder)/store/two/1"
        let files = Set(first.watchedFiles.keys.filter { $0.hasPrefix(home) })
        #expect(files.count == 2 && files.allSatisfy { FileManager.default.fileExists(atPath: $0) }, "\(files)")
        #expect(first.certificates(from: files) == ["two"])
        try FileManager.default.moveItem(atPath: home, toPath: "\(folder)/away")
        let second = try first.renewed(generation: 2, slots: &slots, of: ["two"])
        #expect(second.makeshifts == ["two"] && news(second, since: first) == [])
        let told = second.warnings.filter { $0.contains("\(home) IS GONE") && $0.contains("SERVED ON") }
        #expect(told.count == 1, "\(second.warnings)")
        #expect(second.certificates(from: files) == ["two"])
        try FileManager.default.moveItem(atPath: "\(folder)/away", toPath: home)
        let third = try second.renewed(generation: 3, slots: &slots, of: ["two"])
        #expect(third.makeshifts == [] && news(third, since: first) == [] && third.warnings == [])
        // What is not named is looked at, too, when all is.
        try FileManager.default.removeItem(atPath: home)
        #expect(try third.renewed(generation: 4, slots: &slots).makeshifts == ["two"])
    }

    @Test("of a store that is older than it was nothing is taken: certificates and lists stay as they are")
    func olderStore() throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try write()
        let path = "\(folder)/site.yaml"
        let text = try String(contentsOfFile: path, encoding: .utf8)
        try (text + "\ninternal-ca: { revocation-list: \"http://one.example\" }\n").write(
            toFile: path,
            atomically: true,
            encoding: .utf8
        )
        var (first, slots) = try load()
        try FileManager.default.copyItem(atPath: "\(folder)/store", toPath: "\(folder)/backup")
        try rotate(["two"], of: first.site)
        let second = try first.renewed(generation: 2, slots: &slots)
        #expect(news(second, since: first) == ["two"] && second.plan.revocationLists.count == 1)
        try FileManager.default.moveItem(atPath: "\(folder)/store", toPath: "\(folder)/newest")
        try FileManager.default.moveItem(atPath: "\(folder)/backup", toPath: "\(folder)/store")
        let third = try second.renewed(generation: 3, slots: &slots)
        #expect(news(third, since: second) == [] && third.makeshifts == ["one", "two", "three"])
        #expect(third.plan.revocationLists == second.plan.revocationLists)
        #expect(third.storeWarnings.count == 1 && third.storeWarnings[0].contains("IS ONE OF BEFORE"))
        try FileManager.default.removeItem(atPath: "\(folder)/store")
        try FileManager.default.moveItem(atPath: "\(folder)/newest", toPath: "\(folder)/store")
        let last = try third.renewed(generation: 4, slots: &slots)
        #expect(news(last, since: second) == [] && last.makeshifts == [] && last.storeWarnings == [])
    }

    @Test("files lead to the certificates that come from them")
    func files() throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let (first, _) = try site()
        let file = try #require(first.watchedFiles.keys.first { $0.contains("/store/two/") })
        #expect(first.certificates(from: [file, "/nowhere"]) == ["two"])
        #expect(first.due(at: 0) == [])
        #expect(first.due(at: .max) == ["one", "two", "three"])
    }
}
