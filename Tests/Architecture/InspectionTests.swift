import Testing

/// The inspection itself: small files that are out of place must be found, sound ones must pass.
@Suite("Inspection")
struct InspectionTests {
    private let inspection = Inspection()

    @Test(
        "finds what is out of place",
        arguments: [
            ("Sources/Engine/A.swift", "import Site", "the event loop knows no site"),
            ("Sources/HTTPWire/A.swift", "package import Engine", "arrows point down only"),
            ("Sources/HTTPWire/A.swift", "import Linux", "know no sockets"),
            ("Sources/Site/A.swift", "import Bytes", "Site uses CYAML only"),
            ("Sources/Bytes/A.swift", "import Linux", "Bytes uses nothing of ours only"),
            ("Sources/Gateway/A.swift", "import Control", "arrows point down only"),
            ("Sources/Gateway/A.swift", "import Foundation", "Gateway does without Foundation"),
            ("Sources/Engine/A.swift", "internal import struct FoundationEssentials.URL", "does without"),
            ("Sources/Gateway/A.swift", "import COpenSSL", "wrapped once, in Sources/OpenSSL/"),
            ("Sources/Site/Model/A.swift", "import CYAML", "wrapped once, in Sources/Site/YAML/"),
            ("Sources/Gateway/A.swift", "import NIOSSL", "needs a decision record"),
            ("Sources/Control/A.swift", "import ArgumentParser", "only gatehouse, gatehouse-outbound may import"),
            ("Sources/Gateway/A.swift", "let a = unsafe f()", "`unsafe` stands only where"),
            ("Sources/Gateway/A.swift", "nonisolated(unsafe) var a = 1", "`unsafe` stands only where"),
            ("Sources/Attic/A.swift", "import Bytes", "Attic is no module"),
            ("Sources/Gateway/A.swift", "let a = try PrivateKey.generate(.rsa2048)", "no certificate is signed"),
            ("Sources/Gateway/Workers/Worker.swift", "ChallengeCertificate.make(for: a)", "no certificate is signed"),
            ("Sources/Control/DataPlane/A.swift", "CertificateTemplate(role: .server)", "no certificate is signed"),
            ("Sources/Linux/A.swift", "let a = FileDescriptor(owning: b.c.raw)", "that has an owner gets another"),
            ("Sources/OpenSSL/A.swift", #"OSSL_PARAM_BLD_push_BN(a, "n", b)"#, "keeps the pointer to this name"),
            ("Sources/OpenSSL/A.swift", #"OSSL_PARAM_construct_int("n", &b)"#, "keeps the pointer to this name"),
        ]
    )
    func finds(path: String, text: String, message: String) throws {
        let problems = inspection.problems(in: SourceFile(path: path, text: "/// First line.\n\(text)\n"))
        try #require(problems.count == 1, "\(problems)")
        #expect(problems[0].contains(message), "\(problems[0])")
        #expect(problems[0].hasPrefix("\(path):2:"), "\(problems[0])")
    }

    @Test(
        "leaves alone what is sound",
        arguments: [
            ("Sources/Engine/A.swift", "package import Bytes\nimport Linux\nimport Synchronization"),
            ("Sources/Site/YAML/A.swift", "import CYAML\nlet a = unsafe f()"),
            ("Sources/HTTPWire/HTTP2/NGHTTP2/A.swift", "import CNGHTTP2"),
            (
                "Sources/Gateway/A.swift",
                "// import Foundation, unsafe\n/* unsafe /* nested */ import Control */\nimport Site"
            ),
            ("Sources/Gateway/Workers/Keyring.swift", "ChallengeCertificate.make(for: a)"),
            ("Sources/Control/A.swift", "let a = try PrivateKey.generate(.rsa2048)"),
            ("Sources/Linux/A.swift", "let a = B(owning: try c.duplicate()), d = B(owning: raw)"),
            ("Sources/OpenSSL/A.swift", "OSSL_PARAM_BLD_push_BN(a, b.cString, c)"),
            ("Sources/Gateway/A.swift", #"let a = "it's unsafe \"unsafe\" // here"; let b = 1"#),
            ("Sources/Gateway/A.swift", "let a = \"\"\"\nimport Control\nunsafe\n\"\"\""),
            ("Sources/Gateway/A.swift", ##"let a = #"\ "unsafe" \"#"##),
            ("Sources/gatehouse/A.swift", "import ArgumentParser\nimport FoundationEssentials\nimport Operations"),
        ]
    )
    func passes(path: String, text: String) {
        #expect(inspection.problems(in: SourceFile(path: path, text: text)) == [])
    }

    @Test("code behind a string literal is still read")
    func resumesAfterStrings() {
        let file = SourceFile(path: "Sources/Gateway/A.swift", text: #"let a = ["x": 1, "y\\": unsafe f()]"#)
        #expect(file.lines(withWord: "unsafe") == [1])
    }

    @Test("a file's length is counted in lines, with or without a last line break")
    func length() {
        let long = String(repeating: "let a = 1\n", count: 451)
        let file = SourceFile(path: "Sources/Gateway/A.swift", text: long)
        #expect(inspection.problems(in: file) == ["\(file.path): 451 lines, more than 450: split it, one idea a file"])
        #expect(inspection.length(of: SourceFile(path: "A.swift", text: String(long.dropLast(11)))) == [])
    }

    @Test("the manifest is held against the arrows and the imports against the manifest")
    func manifest() {
        let manifest = Manifest(
            text: """
                module("Engine", ["Bytes", "Site"]),
                module("Gateway", ["Bytes"]),
                .executableTarget(
                    name: "gatehouse",
                    dependencies: ["Gateway", .product(name: "ArgumentParser", package: "swift-argument-parser")],
                """
        )
        #expect(manifest.modules["gatehouse"] == ["Gateway", "ArgumentParser"])
        let files = [
            SourceFile(path: "Sources/Gateway/A.swift", text: "import Bytes\nimport Engine"),
            SourceFile(path: "Sources/Fleet/A.swift", text: ""),
        ]
        #expect(
            inspection.problems(in: manifest, files: files) == [
                "Package.swift: Engine must never use Site: the event loop knows no site",
                "Sources/Gateway/A.swift:2: imports Engine, which Package.swift does not list for Gateway",
                "Sources/Fleet/A.swift: Package.swift declares no target Fleet",
            ]
        )
    }
}
