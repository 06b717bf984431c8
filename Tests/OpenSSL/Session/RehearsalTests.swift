import Testing

@testable import OpenSSL

@Suite("A certificate's rehearsal")
struct RehearsalTests {
    @Test("each kind of key that is supported is served", arguments: PrivateKey.Kind.allCases)
    func kinds(kind: PrivateKey.Kind) throws {
        try TestCA.shared.server("foobar.com", kind: kind).rehearse()
    }
}
