import Testing

@testable import Site

@Suite struct DateTimeTests {
    @Test(arguments: [
        ("1970-01-01T00:00:00Z", 0), ("2000-03-01T00:00:00Z", 951_868_800), ("2024-02-29T23:59:59Z", 1_709_251_199),
        ("2026-12-24T18:00:00+01:00", 1_798_131_600), ("2026-12-24 17:00:00z", 1_798_131_600),
        ("2026-12-24t12:30:00-04:30", 1_798_131_600), ("9999-12-31T23:59:59Z", 253_402_300_799),
    ])
    func reads(text: String, seconds: Int) throws {
        #expect(try DateTime(text: text).seconds == Int64(seconds))
    }

    @Test(arguments: [
        "", "2026-12-24", "2026-12-24T18:00:00", "2026-13-01T00:00:00Z", "2026-02-29T00:00:00Z", "2026-00-10T00:00:00Z",
        "2026-12-24T24:00:00Z", "2026-12-24T18:60:00Z", "2026-12-24T18:00:60Z", "2026-12-24T18:00:00+1:00",
        "2026-12-24T18:00:00+25:00", "2026-12-24T18:00:00Zx", "1969-12-31T23:59:59Z", "२०२६-12-24T18:00:00Z",
    ])
    func refuses(text: String) {
        #expect(throws: ValueFault.self) { try DateTime(text: text) }
    }

    @Test func whatIsWrittenIsRead() throws {
        let seed = UInt64.random(in: 0 ... .max)
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<2000 {
            let time = DateTime(seconds: .random(in: 0...253_402_300_799, using: &generator))
            #expect(try DateTime(text: time.description) == time, "seed \(seed)")
        }
    }
}
