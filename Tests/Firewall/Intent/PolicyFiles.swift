import Firewall
import FoundationEssentials
import Site
import Testing

/// The text of a file of the repository, by its path from there.
func repositoryText(_ path: String) throws -> String {
    let root = #filePath.split(separator: "/").dropLast(4).reduce("") { $0 + "/" + $1 }
    return try String(contentsOfFile: "\(root)/\(path)", encoding: .utf8)
}

/// The text of a site file of the repository.
func policyText(_ name: String) throws -> String { try repositoryText("Policies/\(name)") }

/// A site of the repository.
func policySite(_ name: String) throws -> SiteModel { try site(policyText(name)) }

/// A site that is written in a test.
func site(_ text: String) throws -> SiteModel {
    let outcome = SiteFile.parse(bytes: Array(text.utf8), name: "site.yaml")
    return try #require(outcome.model, "\(outcome.text)")
}
