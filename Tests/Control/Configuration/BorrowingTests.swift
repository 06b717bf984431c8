import Certificates
import Control
import Foundation
import Gateway
import OpenSSL
import Site
import Testing

@Suite("A certificate that its ACME server has not given yet takes the place of nothing good")
struct BorrowingTests {
    let folder = FileManager.default.temporaryDirectory.path + "/gatehouse-borrowing-\(UUID().uuidString)"
    let now = Int64(Date().timeIntervalSince1970)
    let acme = #"{ acme: "https://ca.test/directory" }"#

    var store: CertificateStore { CertificateStore(folder: "\(folder)/store") }

    func load(
        _ certificates: String,
        shown: String = "web",
        host: String = "foobar.com",
        after earlier: SiteConfiguration? = nil
    ) throws -> SiteConfiguration {
        let text = """
            site: a.example
            gateway:
              listen: [{ port: 443, tls: { certificates: [\(shown)] } }]
              pools: { web: { servers: [{ address: 192.0.2.1, port: 8080 }] } }
              routes: [{ hosts: [\(host)], pool: web }]
            certificate-store: store
            certificates:
            \(certificates)
            """
        try text.write(toFile: "\(folder)/site.yaml", atomically: true, encoding: .utf8)
        var slots = PlanCompiler.Slots()
        return try SiteConfiguration.load(path: "\(folder)/site.yaml", generation: 1, slots: &slots, after: earlier)
    }

    /// What another CA gave, as a certificate of the store.
    func keep(_ name: String, _ names: String...) throws -> CertificateBundle {
        let bundle = try InternalCA(named: "other", now: now).issue(names: names, now: now)
        try store.save(bundle, as: name, .imported, reason: "a test", now: now)
        return bundle
    }

    /// Files of it, as the issuer of a certificate.
    func files(_ bundle: CertificateBundle, _ name: String) throws -> String {
        let chain = bundle.chain.map(\.pem).joined()
        try chain.write(toFile: "\(folder)/\(name).pem", atomically: true, encoding: .utf8)
        let key = bundle.key.pem
        let path = "\(folder)/\(name).key"
        try Data((0..<key.count).map { key.bytes[$0] }).write(to: URL(fileURLWithPath: path))
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: path)
        return "{ files: { certificate: \(name).pem, key: \(name).key } }"
    }

    func inFolder(_ test: () throws -> Void) throws {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        try FileManager.default.setAttributes([.posixPermissions: 0o700], ofItemAtPath: folder)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try test()
    }

    func shown(_ name: String, in site: SiteConfiguration) -> [String] {
        site.keyring.certificates[name]?.map(\.fingerprint) ?? []
    }

    @Test("one under another name goes on to be shown, at each look, until the store has its own")
    func renamed() throws {
        try inFolder {
            let good = try keep("web", "foobar.com", "www.foobar.com")
            let first = try load("  web: { names: [foobar.com, www.foobar.com], issuer: \(acme) }")
            #expect(shown("web", in: first) == [good.fingerprint])
            let entry = "  site: { names: [foobar.com, www.foobar.com], issuer: \(acme) }"
            var second = try load(entry, shown: "site", after: first)
            #expect(shown("site", in: second) == [good.fingerprint] && second.standIns == ["site"])
            let words = second.warnings.filter { $0.contains("none for foobar.com, www.foobar.com yet, so a good one") }
            #expect(words.count == 1, "\(second.warnings)")
            #expect(!second.warnings.contains { $0.contains("certificate site: none in the store") })
            var slots = PlanCompiler.Slots()
            second = try second.renewed(generation: 3, slots: &slots, of: [])
            #expect(shown("site", in: second) == [good.fingerprint])
            // A start knows of nothing that was served.
            let started = try load(entry, shown: "site")
            #expect(shown("site", in: started) == [good.fingerprint])
            let own = try keep("site", "foobar.com", "www.foobar.com")
            second = try second.renewed(generation: 4, slots: &slots, of: ["site"])
            #expect(shown("site", in: second) == [own.fingerprint] && second.standIns == [])
        }
    }

    @Test("what came from files goes on to be shown when they are given up for an ACME server")
    func files() throws {
        try inFolder {
            let good = try InternalCA(named: "other", now: now).issue(names: ["foobar.com"], now: now)
            let first = try load("  web: { names: [foobar.com], issuer: \(try files(good, "good")) }")
            var second = try load("  web: { names: [foobar.com], issuer: \(acme) }", after: first)
            #expect(shown("web", in: second) == [good.fingerprint], "\(second.warnings)")
            var slots = PlanCompiler.Slots()
            for generation in 3...4 {
                second = try second.renewed(generation: UInt64(generation), slots: &slots)
                #expect(shown("web", in: second) == [good.fingerprint], "\(second.warnings)")
            }
            // The program after this one knows nothing of them.
            #expect(first.lost(atStartOf: first.site, at: now) == [])
            #expect(first.lost(atStartOf: second.site, at: now) == ["web"])
            #expect(second.lost(atStartOf: second.site, at: now) == ["web"])
            #expect(second.lost(atStartOf: first.site, at: now) == [])
            #expect(second.lost(atStartOf: second.site, at: good.end + 1) == [])
            _ = try keep("web", "foobar.com")
            #expect(second.lost(atStartOf: second.site, at: now) == [])
            second = try second.renewed(generation: 5, slots: &slots)
            #expect(second.lost(atStartOf: second.site, at: now) == [])
            try FileManager.default.removeItem(atPath: "\(folder)/store/web")
            #expect(second.lost(atStartOf: second.site, at: now) == ["web"])
        }
    }

    @Test("for each kind of key, though another certificate has one of another kind for the name")
    func kindsOfKeys() throws {
        try inFolder {
            let ec = try keep("ec", "foobar.com")
            let rsa = try InternalCA(named: "other", now: now).issue(names: ["foobar.com"], key: .rsa2048, now: now)
            try store.save(rsa, as: "rsa", .imported, reason: "a test", now: now)
            func entries(_ rest: String) -> String { "  ec: { names: [foobar.com], issuer: \(acme) }\n  \(rest)" }
            let ofServer = "{ names: [foobar.com], key: rsa-2048, issuer: \(acme) }"
            let first = try load(entries("rsa: \(ofServer)"), shown: "ec, rsa")
            #expect(shown("rsa", in: first) == [rsa.fingerprint])
            func requireBoth(_ name: String, in site: SiteConfiguration) throws {
                #expect(shown(name, in: site) == [ec.fingerprint, rsa.fingerprint], "\(site.warnings)")
                let generation = try #require(site.keyring.generations(for: site.plan).values.first)
                #expect(generation.leaves(for: "foobar.com", .rsa).map(\.der) == [rsa.leaf.der])
                #expect(generation.leaves(for: "foobar.com", .ecdsa).map(\.der) == [ec.leaf.der])
            }
            for earlier in [first, nil] as [SiteConfiguration?] {
                let renamed = try load(entries("rsa2: \(ofServer)"), shown: "ec, rsa2", after: earlier)
                try requireBoth("rsa2", in: renamed)
                #expect(renamed.lost(atStartOf: renamed.site, at: now) == [])
            }
            try FileManager.default.removeItem(atPath: "\(folder)/store/rsa")
            let ofFiles = "rsa: { names: [foobar.com], issuer: \(try files(rsa, "rsa")) }"
            let second = try load(entries(ofFiles), shown: "ec, rsa")
            let third = try load(entries("rsa: \(ofServer)"), shown: "ec, rsa", after: second)
            try requireBoth("rsa", in: third)
            #expect(third.lost(atStartOf: third.site, at: now) == ["rsa"], "no start would find it")
            #expect(third.lost(atStartOf: second.site, at: now) == [])
        }
    }

    @Test("for a name that files lack what the store has is shown, and not what came from other files")
    func lackingFiles() throws {
        try inFolder {
            let api = try keep("api", "foobar.com", "api.foobar.com")
            let ca = try InternalCA(named: "other", now: now)
            let own = try ca.issue(names: ["foobar.com"], now: now)
            let first = try load("  api: { names: [foobar.com, api.foobar.com], issuer: \(acme) }", shown: "api")
            #expect(shown("api", in: first) == [api.fingerprint])
            let entry = "  web: { names: [foobar.com, api.foobar.com], issuer: \(try files(own, "own")) }"
            let second = try load(entry, after: first)
            #expect(shown("web", in: second) == [own.fingerprint, api.fingerprint])
            let generation = try #require(second.keyring.generations(for: second.plan).values.first)
            func seen(_ name: String) -> [[UInt8]] { generation.leaves(for: name, .ecdsa).map(\.der) }
            #expect(seen("foobar.com") == [own.leaf.der] && seen("api.foobar.com") == [api.leaf.der])
            let words = second.warnings.filter { $0.hasPrefix("certificate web: ") }
            let lent = "its files have none for api.foobar.com, so a good one that is there is shown"
            #expect(words.last?.contains(lent) == true, "\(words)")
            let model = try #require(SiteFile.load(path: "\(folder)/site.yaml").model)
            let checked = CertificateCheck.findings(model, file: "site.yaml", whereAbsent: .warning).map(\.message)
            #expect(checked.filter { $0.hasPrefix("certificate web: ") } == words, "\(checked)")
            // No start would find it.
            try Data().write(to: URL(fileURLWithPath: "\(folder)/store/api/1/revoked"))
            let other = try files(ca.issue(names: ["api.foobar.com"], now: now), "other")
            let third = try load(
                "  other: { names: [api.foobar.com], issuer: \(other) }",
                shown: "other",
                host: "api.foobar.com"
            )
            let last = try load(entry, after: third)
            #expect(shown("web", in: last) == [own.fingerprint], "\(last.warnings)")
        }
    }

    @Test("of what left the site file that is loaded which somebody lacks; what becomes of it is noticed")
    func unnamed() throws {
        try inFolder {
            let site = try load("  web: { names: [foobar.com], issuer: \(acme) }").site
            let provider = CertificateProvider(for: site, now: now)
            let names = try #require(site.certificates["web"]).names
            var known = CertificateProvider.UnnamedNames()
            let (a, b) = (try keep("a", "foobar.com"), try keep("b", "example.com"))
            var found = provider.unshownBundles(for: names, knowing: &known)
            #expect(found.map { $0.map(\.fingerprint) } == [[a.fingerprint]])
            let next = try keep("b", "foobar.com")
            found = provider.unshownBundles(for: names, knowing: &known)
            #expect(found.map { $0.map(\.fingerprint) } == [[a.fingerprint], [next.fingerprint]])
            _ = try store.rollBack("b", reason: "a test", now: now)
            try Data().write(to: URL(fileURLWithPath: "\(folder)/store/a/1/revoked"))
            found = provider.unshownBundles(for: names, knowing: &known)
            #expect(found.isEmpty, "\(b.names)")
        }
    }

    @Test("a wildcard that is shown counts for a name of its own; for what nothing covers one stands in, and stays")
    func wildcard() throws {
        try inFolder {
            let good = try keep("wild", "*.foobar.com")
            let entries = """
                  wild: { names: ["*.foobar.com"], issuer: { acme: "https://ca.test/directory", dns: { run: /bin/true } } }
                  web: { names: [www.foobar.com, example.com], issuer: \(acme) }
                """
            let first = try load(entries, shown: "web, wild", host: "www.foobar.com")
            let bundles = try #require(first.keyring.certificates["web"])
            #expect(bundles.map(\.names) == [["*.foobar.com"], ["example.com"]])
            #expect(bundles[0].fingerprint == good.fingerprint)
            let words = first.warnings.filter { $0.contains("for example.com one of the internal CA stands in") }
            #expect(words.count == 1, "\(first.warnings)")
            var slots = PlanCompiler.Slots()
            let second = try first.renewed(generation: 2, slots: &slots, of: [])
            #expect(second.keyring.names(differingFrom: first.keyring) == [], "nothing is new")
            // What takes its place is taken over.
            let next = try keep("wild", "*.foobar.com")
            let third = try second.renewed(generation: 3, slots: &slots, of: ["wild"])
            #expect(shown("web", in: third).first == next.fingerprint)
        }
    }

    @Test("what an internal CA signed that is gone from the store comes after what others did")
    func ofLostAuthority() throws {
        try inFolder {
            _ = try load("  a: { names: [foobar.com], issuer: internal }", shown: "a")
            for name in ["internal-ca", "internal-ca-root"] {
                try FileManager.default.removeItem(atPath: "\(store.folder)/\(name)")
            }
            let good = try keep("b", "foobar.com")
            let started = try load("  web: { names: [foobar.com], issuer: \(acme) }")
            #expect(shown("web", in: started) == [good.fingerprint], "\(started.warnings)")
        }
    }

    @Test("`check` warns of what a start shows, not of a stand-in for all names")
    func checked() throws {
        try inFolder {
            _ = try keep("wild", "*.foobar.com")
            _ = try keep("old", "foobar.com")
            let entries = """
                  wild: { names: ["*.foobar.com"], issuer: { acme: "https://ca.test/directory", dns: { run: /bin/true } } }
                  web: { names: [foobar.com, www.foobar.com, example.com], issuer: \(acme) }
                """
            let first = try load(entries, shown: "web, wild")
            let site = try #require(SiteFile.load(path: "\(folder)/site.yaml").model)
            let checked = CertificateCheck.findings(site, file: "site.yaml", whereAbsent: .warning).map(\.message)
            let words = checked.filter { $0.hasPrefix("certificate web: ") }
            #expect(words == first.warnings.filter { $0.hasPrefix("certificate web: ") }, "\(checked)")
            #expect(words.count == 2 && words[0].contains("none for foobar.com, www.foobar.com yet, so a good one"))
            #expect(words.last?.contains("for example.com one of the internal CA stands in") == true, "\(words)")
        }
    }

    @Test("a name that moved is shown the certificate that has it, but none that was revoked, or has ended")
    func moved() throws {
        try inFolder {
            let web = try keep("web", "foobar.com")
            let api = try keep("api", "api.foobar.com")
            let entry = "  web: { names: [foobar.com, api.foobar.com], issuer: \(acme) }"
            let first = try load(entry)
            #expect(shown("web", in: first) == [web.fingerprint, api.fingerprint])
            try Data().write(to: URL(fileURLWithPath: "\(folder)/store/api/1/revoked"))
            let second = try load(entry)
            #expect(shown("web", in: second) == [web.fingerprint])
            let ended = try InternalCA(named: "other", now: now - 1000)
                .issue(names: ["api.foobar.com"], lifetime: 100, now: now - 1000)
            try store.save(ended, as: "api", .imported, reason: "a test", now: now)
            let third = try load(entry)
            #expect(shown("web", in: third) == [web.fingerprint])
        }
    }

    @Test("one that has ended comes after a good one of another certificate, and is looked at when it ends")
    func ended() throws {
        try inFolder {
            let wild = try keep("wild", "*.foobar.com")
            let old = try InternalCA(named: "other", now: now - 1000)
                .issue(names: ["www.foobar.com", "example.com"], lifetime: 100, now: now - 1000)
            try store.save(old, as: "www", .imported, reason: "a test", now: now)
            let entries = """
                  wild: { names: ["*.foobar.com"], issuer: { acme: "https://ca.test/directory", dns: { run: /bin/true } } }
                  www: { names: [www.foobar.com, example.com], issuer: \(acme) }
                """
            let site = try load(entries, shown: "www, wild", host: "www.foobar.com")
            #expect(shown("www", in: site) == [wild.fingerprint, old.fingerprint], "\(site.warnings)")
            let generation = try #require(site.keyring.generations(for: site.plan).values.first)
            func seen(_ name: String) -> [[UInt8]] { generation.leaves(for: name, .ecdsa).map(\.der) }
            #expect(seen("www.foobar.com") == [wild.leaf.der] && seen("example.com") == [old.leaf.der])
            let provider = CertificateProvider(for: site.site, now: now)
            let settings = try #require(site.site.certificates["wild"])
            #expect(try provider.find(settings)?.renewal == wild.end + 1)
        }
    }

    @Test("where a wildcard replaces single names, those below it go on to be shown theirs, but for names of others")
    func replacedByWildcard() throws {
        try inFolder {
            let apex = try keep("a", "foobar.com")
            let pair = try keep("w", "www.foobar.com", "api.foobar.com")
            let shop = try keep("shop", "shop.foobar.com")
            _ = try keep("deep", "x.api.foobar.com")
            let entries = """
                  wild:
                    names: [foobar.com, "*.foobar.com"]
                    issuer: { acme: "https://ca.test/directory", dns: { run: /bin/true } }
                  shop: { names: [shop.foobar.com], issuer: \(acme) }
                """
            let site = try load(entries, shown: "wild, shop")
            let bundles = try #require(site.keyring.certificates["wild"])
            #expect(bundles.map(\.names).last == ["*.foobar.com"] && bundles.count == 3, "\(site.warnings)")
            let generation = try #require(site.keyring.generations(for: site.plan).values.first)
            func seen(_ name: String) -> [[UInt8]] { generation.leaves(for: name, .ecdsa).map(\.der) }
            #expect(seen("foobar.com") == [apex.leaf.der])
            #expect(seen("www.foobar.com") == [pair.leaf.der] && seen("api.foobar.com") == [pair.leaf.der])
            #expect(seen("shop.foobar.com") == [shop.leaf.der])
            #expect(seen("new.foobar.com") == [bundles[2].leaf.der])
            let words = site.warnings.filter { $0.hasPrefix("certificate wild: ") }
            let lent = "none for foobar.com, api.foobar.com, www.foobar.com yet"
            #expect(words.count == 2 && words[0].contains(lent), "\(words)")
            #expect(words.last?.contains("for *.foobar.com one of the internal CA stands in") == true, "\(words)")
            let model = try #require(SiteFile.load(path: "\(folder)/site.yaml").model)
            let checked = CertificateCheck.findings(model, file: "site.yaml", whereAbsent: .warning).map(\.message)
            #expect(checked.filter { $0.hasPrefix("certificate wild: ") } == words, "\(checked)")
            // What its CA gives takes the place of all.
            let own = try keep("wild", "foobar.com", "*.foobar.com")
            var slots = PlanCompiler.Slots()
            let after = try site.renewed(generation: 2, slots: &slots, of: ["wild"])
            #expect(shown("wild", in: after) == [own.fingerprint])
        }
    }
}
