import Certificates
import Foundation
import OpenSSL
import Site
import Testing

@Suite("The internal CA's list of revoked certificates")
struct RevocationTests {
    private let now = Int64(Date().timeIntervalSince1970)
    private let day: Int64 = 86_400
    private let scratch: Scratch

    init() throws { scratch = try Scratch() }

    private var store: CertificateStore { scratch.store }

    private func ca(at moment: Int64? = nil) throws -> InternalCA {
        try InternalCA.loadOrCreate(in: store, named: "foobar.com", now: moment ?? now)
    }

    private func revoke(_ bundle: CertificateBundle, at moment: Int64? = nil) throws {
        try store.locked { () throws(CertificateProblem) in
            try InternalCA.revoke(bundle.leaf, .keyCompromise, in: store, now: moment ?? now)
        }
    }

    @Test("openssl takes what is not on it, and refuses what is")
    func verifies() throws {
        let ca = try ca()
        let (good, bad) = (try ca.issue(names: ["foobar.com"], now: now), try ca.issue(names: ["foobar.com"], now: now))
        try revoke(bad)
        let list = try InternalCA.livingLists(in: store, now: now)[0]
        #expect(list.entries == [.init(serial: bad.leaf.serialNumber, moment: now, reason: 1)])
        let root = try scratch.write("root.pem", ca.rootCertificate.pem)
        let file = try scratch.write("list.pem", list.pem)
        for (bundle, isGood) in [(good, true), (bad, false)] {
            let chain = try scratch.write("chain.pem", bundle.chainPEM)
            for check in [["-crl_check", "-CRLfile", file], []] {
                let verified = try RealTools.run(
                    ["openssl", "verify", "-x509_strict"] + check + ["-CAfile", root, "-untrusted", chain, chain]
                )
                #expect((verified.status == 0) == (isGood || check.isEmpty), "\(verified.output)")
                if !isGood, !check.isEmpty { #expect(verified.output.contains("certificate revoked")) }
            }
        }
        // Clocks differ: one that is half an hour behind takes the list as it takes the certificate.
        let chain = try scratch.write("chain.pem", good.chainPEM)
        let behind = try RealTools.run(
            ["openssl", "verify", "-attime", "\(now - 1800)", "-crl_check", "-CRLfile", file, "-CAfile", root]
                + ["-untrusted", chain, chain]
        )
        #expect(behind.status == 0, "\(behind.output)")
        let text = try RealTools.run("openssl", "crl", "-in", file, "-noout", "-text").output
        for words in ["Version 2", "X509v3 CRL Number", "X509v3 Authority Key Identifier", "Key Compromise"] {
            #expect(text.contains(words), "\(text)")
        }
        // Its signature, and a place that tells it from others, by GnuTLS.
        let signer = try scratch.write("ca.pem", ca.signingCertificate.pem)
        let gnutls = try RealTools.run(
            "certtool",
            "--verify-crl",
            "--load-ca-certificate",
            signer,
            "--infile",
            file
        )
        #expect(gnutls.status == 0, "\(gnutls.output)")
    }

    @Test(
        "it is made when it is asked for, anew each day, with a higher number, and keeps what is on it"
    )
    func fresh() throws {
        let ca = try ca()
        #expect(try InternalCA.lists(in: store, isWanted: false, now: now).published.isEmpty)
        let first = try InternalCA.lists(in: store, isWanted: true, now: now)
        #expect(first.published.count == 1 && first.due == now + day)
        let again = try InternalCA.lists(in: store, isWanted: false, now: now + day - 1)
        #expect(again.published == first.published)
        let bundle = try ca.issue(names: ["foobar.com"], now: now)
        try revoke(bundle)
        let before = try InternalCA.livingLists(in: store, now: now)[0]
        #expect(before.update == (now - 3600)...(now + InternalCA.listLifetime))
        let after = try InternalCA.livingLists(in: store, now: now + day)[0]
        #expect(after.number > before.number && after.entries == before.entries)
        let ended = try InternalCA.livingLists(in: store, now: now + 70 * day)[0]
        #expect(ended.entries == before.entries && ended.number > after.number)
        // A clock that was a year ahead: the list of that time is replaced, and the number rises all the same.
        let ahead = try InternalCA.livingLists(in: store, now: now + 366 * day)[0]
        let back = try InternalCA.livingLists(in: store, now: now)[0]
        #expect(back.update.lowerBound == now - 3600 && back.number > ahead.number && back.entries == before.entries)
    }

    @Test("one of another CA cannot be revoked, and a list that is damaged is not forgotten")
    func refused() throws {
        _ = try ca()
        let stranger = try InternalCA(named: "other", now: now).issue(names: ["foobar.com"], now: now)
        let problem = #expect(throws: CertificateProblem.self) { try revoke(stranger) }
        #expect(problem?.description.contains("not there any more") == true)
        _ = try InternalCA.livingLists(in: store, now: now)[0]
        let file = try #require(try InternalCA.lists(in: store, isWanted: false, now: now).files.first)
        let whole = try Data(contentsOf: URL(filePath: file))
        for damaged in [Data(), whole.prefix(whole.count / 2), whole.dropLast() + [whole[whole.count - 1] ^ 1]] {
            try damaged.write(to: URL(filePath: file))
            #expect(throws: CertificateProblem.self) { try InternalCA.livingLists(in: store, now: now + 2 * day)[0] }
        }
    }

    @Test("after another intermediate was made, the one before still takes back what it has signed")
    func intermediates() throws {
        let old = try ca().issue(names: ["foobar.com"], now: now)
        _ = try store.locked { () throws(CertificateProblem) in
            try InternalCA.renewIntermediate(in: store, rootKey: nil, named: "foobar.com", reason: "test", now: now)
        }
        try revoke(old)
        let lists = try InternalCA.lists(in: store, isWanted: true, now: now)
        #expect(lists.published.count == 2)
        // The other one is not signed by the old key.
        let counts = lists.published.values.compactMap { der in
            try? RevocationList(der: der.span, issuer: old.chain[1]).entries.count
        }
        #expect(counts == [1])
    }

    @Test("who looks at the lists of the whole chain takes all but those of an intermediate that was taken back")
    func wholeChain() throws {
        let ca = try ca()
        let root = try scratch.write("root.pem", ca.rootCertificate.pem)
        func verify(_ bundle: CertificateBundle, of issuer: Certificate) throws -> (status: Int32, output: String) {
            let chain = try scratch.write("chain.pem", bundle.chainPEM)
            let published = try InternalCA.lists(in: store, isWanted: true, now: now).published.values
            let list = try #require(published.compactMap { try? RevocationList(der: $0.span, issuer: issuer) }.first)
            let rootList = try #require(try InternalCA.rootList(in: store, now: now))
            let lists = [
                "-CRLfile", try scratch.write("ca.crl", list.pem),
                "-CRLfile", try scratch.write("root.crl", rootList.pem),
            ]
            return try RealTools.run(
                ["openssl", "verify", "-x509_strict", "-crl_check_all"] + lists
                    + ["-CAfile", root, "-untrusted", chain, chain]
            )
        }
        let old = try ca.issue(names: ["foobar.com"], now: now)
        let good = try verify(old, of: ca.signingCertificate)
        #expect(good.status == 0, "\(good.output)")

        // The root's key goes: its list stays, and outlasts the intermediate.
        var taken: PrivateKey?
        try InternalCA.detachRoot(from: store, now: now) { taken = $0 }
        let end = ca.signingCertificate.validity.upperBound
        let last = try #require(try InternalCA.rootList(in: store, now: end))
        #expect(last.update.contains(end) && last.entries.isEmpty)

        // It is brought, since the intermediate's was stolen.
        let renewed = try store.locked { () throws(CertificateProblem) in
            try InternalCA.renewIntermediate(
                in: store,
                rootKey: taken.map { ($0, "/mnt/key.pem") },
                named: "foobar.com",
                revoking: .keyCompromise,
                reason: "stolen",
                now: now
            )
        }
        let list = try #require(try InternalCA.rootList(in: store, now: now))
        #expect(list.entries == [.init(serial: ca.signingCertificate.serialNumber, moment: now, reason: 2)])
        #expect(list.number > last.number)
        let refused = try verify(old, of: ca.signingCertificate)
        #expect(refused.status != 0 && refused.output.contains("certificate revoked"), "\(refused.output)")
        let fresh = try renewed.issue(names: ["foobar.com"], now: now)
        let taking = try verify(fresh, of: renewed.signingCertificate)
        #expect(taking.status == 0, "\(taking.output)")
        let event = try #require(try store.audit.verify().entries.last?.event)
        #expect(event.kind == .revoked && event.certificate == "internal-ca" && event.generation == 1)
    }

    @Test("what an intermediate signed that was itself revoked is revoked with it, also when its key is gone")
    func withItsSigner() throws {
        func renew(_ revocation: RevocationReason?) throws {
            _ = try store.locked { () throws(CertificateProblem) in
                try InternalCA.renewIntermediate(
                    in: store,
                    rootKey: nil,
                    named: "foobar.com",
                    revoking: revocation,
                    reason: "a test",
                    now: now
                )
            }
        }
        func drop(_ generation: Int) throws {
            try FileManager.default.removeItem(atPath: store.folder + "/internal-ca/\(generation)/key.pem")
        }
        let old = try ca().issue(names: ["foobar.com"], now: now)
        try renew(nil)
        try drop(1)
        #expect(throws: CertificateProblem.unknownSigner(subject: "foobar.com", folder: store.folder)) {
            try revoke(old)
        }
        try renew(.keyCompromise)
        try revoke(old)
    }

    @Test("what an intermediate revoked that signs no more is on a list until it has ended, by openssl and by GnuTLS")
    func afterRenewal() throws {
        let first = try ca()
        let (good, bad) = (
            try first.issue(names: ["foobar.com"], now: now), try first.issue(names: ["foobar.com"], now: now)
        )
        try revoke(bad)
        // Two, so that the one before the last has to be remembered, too.
        for _ in 0..<2 {
            _ = try store.locked { () throws(CertificateProblem) in
                try InternalCA.renewIntermediate(
                    in: store,
                    rootKey: nil,
                    named: "foobar.com",
                    reason: "a test",
                    now: now
                )
            }
        }
        let fresh = try ca().issue(names: ["foobar.com"], now: now)
        let lists = try InternalCA.livingLists(in: store, now: now)
        #expect(lists.count == 3 && lists[0].entries.isEmpty && lists[2].entries.count == 1)
        let rootList = try #require(try InternalCA.rootList(in: store, now: now))
        let file = try scratch.write("lists.pem", (lists + [rootList]).map(\.pem).joined())
        let root = try scratch.write("root.pem", first.rootCertificate.pem)
        for (bundle, isGood) in [(good, true), (bad, false), (fresh, true)] {
            let chain = try scratch.write("chain.pem", bundle.chainPEM)
            let openssl = try RealTools.run(
                ["openssl", "verify", "-x509_strict", "-crl_check_all", "-CRLfile", file, "-CAfile", root]
                    + ["-untrusted", chain, chain]
            )
            #expect((openssl.status == 0) == isGood, "\(openssl.output)")
            if !isGood { #expect(openssl.output.contains("certificate revoked"), "\(openssl.output)") }
            let gnutls = try RealTools.run(
                ["certtool", "--verify", "--load-ca-certificate", root, "--load-crl", file, "--infile", chain]
            )
            #expect((gnutls.status == 0) == isGood, "\(gnutls.output)")
        }
        // One more can be taken back yet, by the key that signed it.
        try revoke(good)
        #expect(try InternalCA.livingLists(in: store, now: now)[2].entries.count == 2)
        // When its last leaf has ended, the list is needed no more.
        #expect(try InternalCA.livingLists(in: store, now: now + 48 * day).count == 1)
    }
}
