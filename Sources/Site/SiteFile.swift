/// A site file: from bytes to a model, or to everything that is wrong with it.
///
/// No file, however large, deep or malformed, makes this crash, hang or grow beyond a small multiple of its size.
package enum SiteFile {
    /// Reads and checks a file.
    ///
    /// - Parameter path: also the name in diagnostics. Relative paths in the file start at its directory.
    package static func load(path: String) -> Outcome {
        do throws(FileBytes.Failure) {
            let (bytes, modified) = try FileBytes.read(path)
            var outcome = parse(bytes: bytes, name: path)
            outcome.modified = modified
            return outcome
        } catch {
            var collector = DiagnosticCollector(SourceText(name: path, bytes: []))
            switch error {
            case .system(let code):
                collector.report(
                    .unreadable,
                    at: nil,
                    "the site file cannot be read: \(FileBytes.message(code))",
                    help: "name it with --site or GATEHOUSE_SITE, and see that it may be read"
                )
            case .notAFile:
                collector.report(.unreadable, at: nil, "this is no regular file", help: "name the site file itself")
            case .tooLarge: reportSize(&collector)
            }
            return Outcome(model: nil, collector)
        }
    }

    /// Checks the bytes of a file.
    ///
    /// - Parameter name: the file's path, for diagnostics, and for the directory where relative paths in the file
    ///   start.
    package static func parse(bytes: [UInt8], name: String) -> Outcome {
        let source = SourceText(name: name, bytes: bytes)
        var decoding = Decoding(source, directory: directory(of: name))
        guard bytes.count <= FileBytes.maximumSize.bytes else {
            reportSize(&decoding.collector)
            return Outcome(model: nil, decoding.collector)
        }
        guard let root = NodeComposer.compose(source, reporting: &decoding.collector),
            var model = SiteModel.shape.decode(root, &decoding)
        else { return Outcome(model: nil, decoding.collector) }
        model.placeRoutedNetworks()
        SiteRules.check(model, reporting: &decoding.collector)
        return Outcome(model: decoding.collector.hasErrors ? nil : model, decoding.collector)
    }

    private static func reportSize(_ collector: inout DiagnosticCollector) {
        collector.report(
            .tooLarge,
            at: nil,
            "the file has more than \(FileBytes.maximumSize)",
            help: "see that it is the site file"
        )
    }

    /// The path up to its last `/`, that one included; empty when there is none.
    private static func directory(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "" }
        return String(path[...slash])
    }
}

extension SiteFile {
    /// What became of a site file.
    package struct Outcome: Sendable {
        /// The site; nil when there is an error.
        package let model: SiteModel?
        /// Errors and warnings, in the order of the file.
        package let diagnostics: [Diagnostic]
        /// How many more there were: no more than 100 are kept.
        package let omitted: Int
        private let source: SourceText
        /// When the file that was read was changed last, in seconds since 1970; 0 for bytes that came otherwise.
        package fileprivate(set) var modified: Int64 = 0

        /// What was read, and the model comes from.
        package var bytes: [UInt8] { source.bytes }

        init(model: SiteModel?, _ collector: DiagnosticCollector) {
            self.model = model
            omitted = collector.omitted
            source = collector.source
            diagnostics = collector.finish()
        }

        /// The same with `findings` about what the file refers to, by their places in the file and with its lines.
        package func adding(_ findings: [Diagnostic]) -> Outcome {
            let all = diagnostics + source.showingLines(findings)
            let places = all.indices.sorted { (all[$0].line, all[$0].column, $0) < (all[$1].line, all[$1].column, $1) }
            var outcome = Outcome(model: model, diagnostics: places.map { all[$0] }, omitted: omitted, source: source)
            outcome.modified = modified
            return outcome
        }

        private init(model: SiteModel?, diagnostics: [Diagnostic], omitted: Int, source: SourceText) {
            self.model = model
            self.diagnostics = diagnostics
            self.omitted = omitted
            self.source = source
        }

        package var hasErrors: Bool { model == nil || diagnostics.contains { $0.severity == .error } }

        /// The diagnostics as a person reads them, one after another; empty when there are none.
        package var text: String {
            var parts = diagnostics.map(\.description)
            if omitted > 0 { parts.append("and \(omitted) more") }
            return parts.joined(separator: "\n")
        }

        /// The diagnostics as JSON: `valid`, `omitted` and the list `diagnostics`.
        package var json: String {
            JSONValue.object([
                .init("valid", .boolean(!hasErrors)),
                .init("omitted", .integer(omitted)),
                .init("diagnostics", .array(diagnostics.map(\.json))),
            ]).indented
        }
    }
}
