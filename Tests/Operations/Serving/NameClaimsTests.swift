import Testing

@testable import Operations

@Suite("Names that are being certified")
struct NameClaimsTests {
    @Test("one order for a name goes on at a time, and who was turned away is told to come again, once")
    func claims() {
        var claims = NameClaims()
        let first = claims.claim(["a.test", "b.test"])
        let other = claims.claim(["c.test"])
        #expect(first && other)
        let again = claims.claim(["b.test", "d.test"])
        #expect(!again)
        // What was refused claims nothing.
        let fourth = claims.claim(["d.test"])
        #expect(fourth)
        let isOtherWanted = claims.release(["c.test"])
        #expect(!isOtherWanted)
        let isWanted = claims.release(["a.test", "b.test"])
        #expect(isWanted, "whoever else is done meanwhile")
        let later = claims.claim(["b.test"])
        #expect(later)
        let isWantedStill = claims.release(["b.test"])
        #expect(!isWantedStill)
    }
}
