import Certificates
import Foundation
import OpenSSL
import Site
import Testing

/// What was issued before the site file named another CA.
@Suite("Certificates that an ACME server takes back")
struct RevocationAtServerTests {
    /// A CA that does not get what is sent to a path.
    private final class Line: ACMETransport {
        private let ca: ScriptedCA
        private let lost: String?

        init(_ ca: ScriptedCA, without lost: String?) { (self.ca, self.lost) = (ca, lost) }

        func send(_ request: ACMERequest) throws(ACMEProblem) -> ACMEResponse {
            if let lost, request.url.hasSuffix(lost) { throw .unreachable(url: request.url, why: "a test") }
            return try ca.send(request)
        }
    }

    private let now = Int64(Date().timeIntervalSince1970)
    private let scratch: Scratch
    private let former = ScriptedCA()
    private let present = ScriptedCA()
    private static let refusal = ScriptedCA.problem("malformed", status: 404)
    /// Each as long as `ScriptedCA.base`.
    private static let places = (former: "https://c1.test/dir", present: "https://c2.test/dir")

    init() throws {
        scratch = try Scratch()
        for ca in [former, present] {
            ca.directory = ca.directory.replacing(
                "\"newOrder\"",
                with: "\"revokeCert\": \"\(ScriptedCA.base)/revoke\", \"newOrder\""
            )
            ca.openAccounts()
            ca.answer("/revoke", Self.refusal)
        }
        let signer = try InternalCA(named: "ca.test", now: now)
        for _ in 0..<2 {
            let bundle = try signer.issue(names: ["foobar.com"], now: now)
            try scratch.store.save(bundle, as: "web", reason: "a test", now: now)
        }
    }

    private func settings(_ issuer: CertificateSettings.Issuer? = nil) -> CertificateSettings {
        let acme = ACMESettings(directory: Self.places.present)
        return CertificateSettings(name: "web", names: [.exact("foobar.com")], issuer: issuer ?? .acme(acme))
    }

    /// The site file has named it, with authorities of its own to trust, and it has opened an account.
    private func openFormerAccount() throws {
        var acme = ACMESettings(directory: Self.places.former)
        acme.trust = scratch.path + "/ca.pem"
        let account = try ACMEAccount(acme, in: scratch.store, former)
        try account.use { session throws(ACMEProblem) in _ = try session.directory() }
        try account.keep()
    }

    private func revoke(
        _ settings: CertificateSettings? = nil,
        losing lost: String? = nil
    ) throws -> CertificateProvider.Revocation {
        let outside = CertificateProvider.Outside(
            transport: { [former, present, scratch] acme in
                guard acme.directory == Self.places.former else { return Line(present, without: lost) }
                #expect(acme.trust == scratch.path + "/ca.pem")
                return Line(former, without: lost)
            },
            publish: {},
            tell: { _ in }
        )
        return try scratch.provider(at: now).revoke(settings ?? self.settings(), .superseded, outside)
    }

    private var isMarked: Bool { FileManager.default.fileExists(atPath: scratch.store.folder + "/web/1/revoked") }

    @Test(
        "the CA that the site file named before takes back what it issued",
        arguments: [nil, CertificateSettings.Issuer.internal]
    )
    func before(issuer: CertificateSettings.Issuer?) throws {
        try openFormerAccount()
        former.answer("/revoke", ScriptedCA.json("{}"))
        let done = try revoke(settings(issuer))
        #expect(done.fresh == [1] && done.problems == [], "\(done)")
        #expect(former.requests("/revoke").count == 1 && isMarked)
        #expect(try revoke(settings(issuer)).known == [1])
        #expect(former.requests("/revoke").count == 1)
    }

    @Test("what all of them refuse is not marked: there is a way back to it, and the error says what else there is")
    func refused() throws {
        try openFormerAccount()
        let another = try InternalCA(named: "ca.test", now: now).issue(names: ["foobar.com"], now: now)
        try scratch.store.save(another, as: "web", reason: "a test", now: now)
        let problems = try revoke().problems
        #expect(problems.count == 2, "\(problems)")
        for (number, problem) in zip(1..., problems) {
            for word in ["generation \(number) was not revoked", "`fallback", Self.places.former, Self.places.present] {
                #expect("\(problem)".contains(word), "\(problem)")
            }
        }
        #expect(!isMarked)
        #expect(try scratch.store.rollBack("web", reason: "a test", now: now).names == ["foobar.com"])
    }

    @Test(
        "one whose CA never heard of it is not marked; one whose answer was lost is",
        arguments: [("/dir", false), ("/revoke", true)]
    )
    func lost(path: String, mayBe: Bool) throws {
        let problem = try #require(try revoke(losing: path).problems.first)
        #expect("\(problem)".contains("NOBODY KNOWS") == mayBe, "\(problem)")
        #expect(isMarked == mayBe)
        // What was told of once stays so, whatever comes of it now.
        guard mayBe else { return }
        #expect(try revoke().problems != [] && isMarked)
    }
}
