import Testing

@testable import Site

/// The outcome of a site file that is written in a test.
func check(_ text: String) -> SiteFile.Outcome {
    SiteFile.parse(bytes: Array(text.utf8), name: "site.yaml")
}

/// What one line of expectation says about a diagnostic: `3:5 error unknown-key`.
func summary(_ diagnostics: [Diagnostic]) -> [String] {
    diagnostics.map { "\($0.line):\($0.column) \($0.severity.rawValue) \($0.code.rawValue)" }
}

/// A gateway that is complete, for tests that add to it. Its text ends within `gateway:`.
let minimalSite = """
    site: a.example
    gateway:
      listen:
        - port: 80
      pools:
        web:
          servers:
            - { address: 127.0.0.1, port: 8080 }
      routes:
        - { hosts: ["*"], pool: web }

    """

/// The repository's root, from the place of this file.
let repository: String = {
    var parts = #filePath.split(separator: "/", omittingEmptySubsequences: false)
    parts.removeLast(3)
    return parts.joined(separator: "/")
}()

/// A generator that gives the same numbers for the same seed (SplitMix64).
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) {
        state = seed
    }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
        return value ^ (value >> 31)
    }
}
