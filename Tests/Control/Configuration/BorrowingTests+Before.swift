import Certificates
import Control
import Foundation
import Gateway
import OpenSSL
import Site
import Testing

/// A name goes from `b` to `a`, and `b` is made anew before `a` has it.
extension BorrowingTests {
    private func entries(_ a: String, _ b: String, issuer: String? = nil) -> String {
        "  a: { names: [\(a)], issuer: \(acme) }\n  b: { names: [\(b)], issuer: \(issuer ?? acme) }"
    }

    private var after: String { entries("www.foobar.com, shop.foobar.com", "foobar.com") }

    @Test("the generation before goes on to be shown for a name that left it, by a start too, while it may be")
    func generationBefore() throws {
        try inFolder {
            let own = try keep("a", "www.foobar.com")
            let old = try keep("b", "foobar.com", "shop.foobar.com")
            let first = try load(entries("www.foobar.com", "foobar.com, shop.foobar.com"), shown: "a, b")
            var second = try load(after, shown: "a, b", after: first)
            #expect(shown("a", in: second) == [own.fingerprint, old.fingerprint])
            let next = try keep("b", "foobar.com")
            var slots = PlanCompiler.Slots()
            for generation in 3...4 {
                second = try second.renewed(generation: UInt64(generation), slots: &slots, of: ["b"])
                #expect(shown("a", in: second) == [own.fingerprint, old.fingerprint], "\(second.warnings)")
                #expect(shown("b", in: second) == [next.fingerprint])
            }
            let started = try load(after, shown: "a, b")
            #expect(shown("a", in: started) == [own.fingerprint, old.fingerprint])
            #expect(second.lost(atStartOf: second.site, at: now) == [])
            let words = started.warnings.filter { $0.hasPrefix("certificate a: ") }
            let lent = "none for shop.foobar.com yet, so a good one that is there is shown, until"
            #expect(words.last?.contains(lent) == true, "\(words)")
            let findings = CertificateCheck.findings(started.site, file: "site.yaml", whereAbsent: .warning)
            let checked = findings.map(\.message)
            #expect(checked.filter { $0.hasPrefix("certificate a: ") } == words, "\(checked)")
            // Its name, once it is there, is its own; and what was revoked, or has no key any more, is shown no longer.
            let mark = URL(fileURLWithPath: "\(store.folder)/b/1/revoked")
            try Data().write(to: mark)
            var third = try second.renewed(generation: 5, slots: &slots, of: [])
            #expect(!shown("a", in: third).contains(old.fingerprint), "\(third.warnings)")
            try FileManager.default.removeItem(at: mark)
            third = try third.renewed(generation: 6, slots: &slots, of: [])
            #expect(shown("a", in: third) == [own.fingerprint, old.fingerprint], "\(third.warnings)")
            _ = try store.retire("b", reason: "a test", now: now)
            third = try third.renewed(generation: 7, slots: &slots, of: [])
            #expect(!shown("a", in: third).contains(old.fingerprint), "\(third.warnings)")
            let whole = try keep("a", "www.foobar.com", "shop.foobar.com")
            third = try second.renewed(generation: 8, slots: &slots, of: ["a"])
            #expect(shown("a", in: third) == [whole.fingerprint])
        }
    }

    @Test("of each kind of key, and where nothing in use has the name")
    func kindsOfGenerationsBefore() throws {
        try inFolder {
            let own = try keep("a", "www.foobar.com")
            let old = try keep("b", "shop.foobar.com")
            _ = try keep("b", "foobar.com")
            let ca = try InternalCA(named: "other", now: now)
            let rsa = try ca.issue(names: ["shop.foobar.com"], key: .rsa2048, now: now)
            try store.save(rsa, as: "c", .imported, reason: "a test", now: now)
            _ = try keep("c", "example.com")
            let all = after + "\n  c: { names: [example.com], issuer: \(acme) }"
            #expect(
                try shown("a", in: load(all, shown: "a, b, c")) == [own.fingerprint, old.fingerprint, rsa.fingerprint]
            )
            let wild = try keep("d", "*.foobar.com")
            let entry = """
                  d: { names: ["*.foobar.com"], issuer: { acme: "https://ca.test/directory", dns: { run: /bin/true } } }
                """
            let site = try load("\(all)\n\(entry)", shown: "a, b, c, d")
            #expect(shown("a", in: site) == [own.fingerprint, wild.fingerprint])
        }
    }

    @Test("not one that was gone back from, nor of a CA that was given up")
    func refusedGenerationsBefore() throws {
        try inFolder {
            _ = try keep("a", "www.foobar.com")
            _ = try keep("b", "foobar.com")
            let bad = try keep("b", "foobar.com", "shop.foobar.com")
            _ = try store.rollBack("b", reason: "a test", now: now)
            #expect(try !shown("a", in: load(after, shown: "a, b")).contains(bad.fingerprint))
            _ = try keep("b", "foobar.com")
            #expect(try !shown("a", in: load(after, shown: "a, b")).contains(bad.fingerprint))
            let foreign = try InternalCA(named: "elsewhere", now: now)
                .issue(names: ["foobar.com", "shop.foobar.com"], now: now)
            try store.save(foreign, as: "b", .imported, reason: "a test", now: now)
            #expect(try shown("a", in: load(after, shown: "a, b")).last == foreign.fingerprint, "it is in use")
            _ = try keep("b", "foobar.com")
            #expect(try !shown("a", in: load(after, shown: "a, b")).contains(foreign.fingerprint))
        }
    }

    @Test("nor what a standby has replaced: its CA may have taken it back")
    func replacedByStandby() throws {
        try inFolder {
            _ = try keep("a", "www.foobar.com")
            let old = try keep("b", "foobar.com", "shop.foobar.com")
            let issuer = "\(acme), standby: internal"
            let text = entries("www.foobar.com, shop.foobar.com", "foobar.com", issuer: issuer)
            let site = try load(text, shown: "a, b")
            #expect(shown("a", in: site).last == old.fingerprint)
            let settings = try #require(site.site.certificates["b"])
            _ = try CertificateProvider(for: site.site, now: now).useStandby(settings, reason: "a test")
            #expect(try !shown("a", in: load(text, shown: "a, b")).contains(old.fingerprint))
        }
    }

    @Test("one of the internal CA, which is made anew at once, in the moment of the reload")
    func internalGenerationBefore() throws {
        try inFolder {
            let own = try keep("a", "www.foobar.com")
            let entry = entries("www.foobar.com", "foobar.com, shop.foobar.com", issuer: "internal")
            let first = try load(entry, shown: "a, b")
            let old = try #require(shown("b", in: first).first)
            let moved = entries("www.foobar.com, shop.foobar.com", "foobar.com", issuer: "internal")
            let second = try load(moved, shown: "a, b", after: first)
            #expect(shown("a", in: second) == [own.fingerprint, old], "\(second.warnings)")
            #expect(shown("b", in: second) != [old])
            #expect(try shown("a", in: load(moved, shown: "a, b")) == [own.fingerprint, old])
        }
    }

    @Test("what no listener shows any more has it yet, and what the store has of one that comes from files now")
    func notShown() throws {
        try inFolder {
            let own = try keep("a", "www.foobar.com")
            let old = try keep("b", "shop.foobar.com", "mail.foobar.com")
            let a = "  a: { names: [www.foobar.com, shop.foobar.com], issuer: \(acme) }\n"
            func unshown(_ names: String) -> String {
                "  b: { names: [\(names)], issuer: \(acme), deploy: { run: /bin/true } }"
            }
            let mail = try InternalCA(named: "other", now: now).issue(names: ["mail.foobar.com"], now: now)
            let ofFiles = "  b: { names: [mail.foobar.com], issuer: \(try files(mail, "mail")) }"
            let whole = unshown("shop.foobar.com, mail.foobar.com")
            for (b, listed) in [(whole, "a"), (unshown("mail.foobar.com"), "a"), (ofFiles, "a, b")] {
                let site = try load(a + b, shown: listed, host: "www.foobar.com")
                #expect(shown("a", in: site) == [own.fingerprint, old.fingerprint], "\(b) \(site.warnings)")
                #expect(site.lost(atStartOf: site.site, at: now) == [])
                let checked = CertificateCheck.findings(site.site, file: "site.yaml", whereAbsent: .warning)
                let words = site.warnings.filter { $0.hasPrefix("certificate a: ") }
                #expect(checked.map(\.message).filter { $0.hasPrefix("certificate a: ") } == words, "\(checked)")
            }
            let wildcard = """
                  wild: { names: ["*.foobar.com"], issuer: { acme: "https://ca.test/directory", dns: { run: /bin/true } } }

                """
            let wild = try load(wildcard + whole, shown: "wild", host: "www.foobar.com")
            #expect(shown("wild", in: wild).contains(old.fingerprint), "\(wild.warnings)")
            // Its own next one has the name no more.
            _ = try keep("b", "mail.foobar.com")
            let site = try load(a + unshown("mail.foobar.com"), shown: "a", host: "www.foobar.com")
            #expect(shown("a", in: site) == [own.fingerprint, old.fingerprint], "\(site.warnings)")
            let fresh = "  new: { names: [new.foobar.com, shop.foobar.com], issuer: \(acme) }\n"
            let beside = try load(fresh + unshown("mail.foobar.com"), shown: "new", host: "new.foobar.com")
            #expect(shown("new", in: beside).first == old.fingerprint, "\(beside.warnings)")
        }
    }
}
