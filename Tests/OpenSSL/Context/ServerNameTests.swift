import COpenSSL
import Testing

@testable import OpenSSL

@Suite struct ServerNameTests {
    private func connect(
        _ name: String,
        unknown: CertificateGeneration.UnknownName = .refuse
    ) throws -> Loopback {
        let bundles = [
            try TestCA.shared.server("foobar.com", "www.foobar.com"),
            try TestCA.shared.server("*.foobar.com"),
        ]
        return try Loopback(Make.server(bundles, unknown: unknown), Make.client(), name: name).handshake()
    }

    @Test(arguments: ["foobar.com", "www.foobar.com", "FooBar.COM"])
    func exactNames(name: String) throws {
        #expect(try connect(name).servedNames == ["foobar.com", "www.foobar.com"])
    }

    @Test func wildcardNames() throws {
        #expect(try connect("shop.foobar.com").servedNames == ["*.foobar.com"])
    }

    @Test(arguments: ["a.b.foobar.com", "example.com", "oobar.com", "xfoobar.com"])
    func unknownNamesAreRefused(name: String) throws {
        let pair = try connect(name)
        #expect(pair.serverProgress.reason == .unrecognizedName)
        #expect(pair.clientProgress.reason == .unrecognizedName)
    }

    @Test(arguments: ["example.com", "192.0.2.1"])
    func unknownNamesGetTheDefault(name: String) throws {
        let pair = try connect(name, unknown: .serve(first: 1))
        #expect(pair.isDone)
        #expect(pair.servedNames == ["foobar.com", "www.foobar.com"])
    }

    @Test("what is meant for a name comes before what merely has it, and that before nothing")
    func meantNames() throws {
        let old = try TestCA.shared.server("foobar.com", "www.foobar.com", "api.foobar.com")
        let new = try TestCA.shared.server("www.foobar.com", kind: .rsa2048)
        let late = try TestCA.shared.server("www.foobar.com")
        let generation = CertificateGeneration(
            number: 1,
            bundles: [old, new, late],
            named: [["foobar.com"], ["www.foobar.com"], ["www.foobar.com", "api.foobar.com"]],
            unknownName: .refuse
        )
        #expect(generation.leaves(for: "foobar.com", .ecdsa).map(\.der) == [old.leaf.der])
        #expect(generation.leaves(for: "www.foobar.com", .ecdsa).map(\.der) == [late.leaf.der])
        #expect(generation.leaves(for: "www.foobar.com", .rsa).map(\.der) == [new.leaf.der])
        // Meant for the one that lacks it, and shown of the other.
        #expect(generation.leaves(for: "api.foobar.com", .ecdsa).map(\.der) == [old.leaf.der])
        let next = try TestCA.shared.server("www.foobar.com")
        let after = try #require(generation.replacing([.init(late, by: next)], number: 2))
        #expect(after.leaves(for: "www.foobar.com", .ecdsa).map(\.der) == [next.leaf.der])
    }

    @Test("what is meant for a name and has it by a wildcard comes before another's wildcard, and what merely has it")
    func meantByWildcard() throws {
        let (first, other) = (try TestCA.shared.server("*.foobar.com"), try TestCA.shared.server("*.foobar.com"))
        let old = try TestCA.shared.server("foobar.com", "www.foobar.com")
        let exact = try TestCA.shared.server("api.foobar.com")
        let generation = CertificateGeneration(
            number: 1,
            bundles: [first, old, other, exact],
            named: [["*.foobar.com"], ["foobar.com"], ["www.foobar.com"], ["api.foobar.com"]],
            unknownName: .refuse
        )
        func shown(_ name: String, _ generation: CertificateGeneration) -> [[UInt8]] {
            generation.leaves(for: name, .ecdsa).map(\.der)
        }
        #expect(shown("www.foobar.com", generation) == [other.leaf.der])
        #expect(shown("api.foobar.com", generation) == [exact.leaf.der])
        #expect(shown("shop.foobar.com", generation) == [first.leaf.der])
        #expect(shown("foobar.com", generation) == [old.leaf.der])
        #expect(generation.nameAsked(for: other) == "www.foobar.com")
        #expect(generation.nameAsked(for: first) == "*.foobar.com")
        let next = try TestCA.shared.server("*.foobar.com")
        let after = try #require(generation.replacing([.init(other, by: next)], number: 2))
        #expect(shown("www.foobar.com", after) == [next.leaf.der])
        #expect(shown("shop.foobar.com", after) == [first.leaf.der])
        #expect(after.nameAsked(for: next) == "www.foobar.com")
    }

    @Test("the default is the first certificate's own, also where another one has its names")
    func defaultIsTheFirst() throws {
        let first = try TestCA.shared.server("foobar.com", kind: .rsa2048)
        let second = try TestCA.shared.server("foobar.com")
        let generation = CertificateGeneration(number: 1, bundles: [first, second], unknownName: .serve(first: 1))
        #expect(generation.leaves(for: "", .rsa).map(\.der) == [first.leaf.der])
        #expect(generation.leaves(for: "example.com", .ecdsa).isEmpty)
        #expect(generation.leaves(for: "foobar.com", .ecdsa).map(\.der) == [second.leaf.der])
    }

    @Test func noNameIsRefusedWithoutDefault() throws {
        #expect(try connect("192.0.2.1").serverProgress.reason == .unrecognizedName)
    }

    @Test func nothingPublished() throws {
        let pair = try Loopback(TLSContext(server: .init()), Make.client(), name: "foobar.com").handshake()
        #expect(pair.serverProgress.reason == .noCertificate)
    }

    @Test(arguments: [TLSVersion.tls12, .tls13])
    func ecdsaAndRSASideBySide(version: TLSVersion) throws {
        let server = try Make.server([
            TestCA.shared.server("foobar.com", kind: .rsa2048), TestCA.shared.server("foobar.com"),
        ])
        let both = try Loopback(server, Make.client(version), name: "foobar.com").handshake()
        #expect(both.servedKeyType == EVP_PKEY_EC)
        let old = try Loopback(server, Make.client(version), name: "foobar.com")
        try old.offerSignatures("rsa_pss_rsae_sha256:RSA+SHA256")
        #expect(old.handshake().isDone)
        #expect(old.servedKeyType == EVP_PKEY_RSA)
        // A client that likes RSA better still gets the cheaper one.
        let fond = try Loopback(server, Make.client(version), name: "foobar.com")
        try fond.offerSignatures("rsa_pss_rsae_sha256:ECDSA+SHA256")
        #expect(fond.handshake().servedKeyType == EVP_PKEY_EC)
    }

    @Test func malformedExtensions() {
        #expect(
            ServerNameExtension.hostName(([0, 13, 0, 0, 10] + Array("FooBar.com".utf8)).span)
                == Array("foobar.com".utf8)
        )
        for bytes: [UInt8] in [
            [], [0, 0], [0, 4, 0, 0, 1], [0, 4, 1, 0, 1, 97], [0, 4, 0, 0, 0, 97], [0, 4, 0, 0, 9, 97],
            [0, 4, 0, 0, 1, 0],
        ] {
            #expect(ServerNameExtension.hostName(bytes.span) == nil)
        }
    }
}

extension Loopback {
    func offerSignatures(_ list: String) throws {
        let status = unsafe list.withCString {
            unsafe SSL_ctrl(client.handle, SSL_CTRL_SET_SIGALGS_LIST, 0, UnsafeMutableRawPointer(mutating: $0))
        }
        try #require(status == 1)
    }
}
