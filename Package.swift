// swift-tools-version: 6.2

import PackageDescription

/// Every target is built alike: Swift 6 mode, strict memory safety, warnings are errors.
/// `_GNU_SOURCE` goes to every C import, because one module that defines it alone disagrees with
/// the others about the layout of libc's types.
let settings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .strictMemorySafety(),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableExperimentalFeature("Lifetimes"),
    .treatAllWarnings(as: .error),
    .unsafeFlags(["-Xcc", "-D_GNU_SOURCE"]),
]

/// What runs for each request: there a release does not check at run time that accesses do not overlap. See
/// docs/decisions/002-exclusivity.md.
let hot: Set = ["Bytes", "Linux", "OpenSSL", "HTTPWire", "Engine", "Gateway"]
let unchecked: SwiftSetting = .unsafeFlags(["-enforce-exclusivity=unchecked"], .when(configuration: .release))

func module(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .target(
        name: name,
        dependencies: dependencies,
        path: "Sources/\(name)",
        swiftSettings: settings + (hot.contains(name) ? [unchecked] : [])
    )
}

func library(_ name: String, pkgConfig: String?, apt: String) -> Target {
    .systemLibrary(name: name, path: "Sources/\(name)", pkgConfig: pkgConfig, providers: [.apt([apt])])
}

/// - Parameter exclude: folders that hold what tests read at run time.
func tests(_ name: String, _ dependencies: [Target.Dependency], exclude: [String] = []) -> Target {
    .testTarget(
        name: "\(name)Tests",
        dependencies: dependencies,
        path: "Tests/\(name)",
        exclude: exclude,
        swiftSettings: settings
    )
}

let package = Package(
    name: "gatehouse",
    products: [
        .executable(name: "gatehouse", targets: ["gatehouse"]),
        .executable(name: "gatehouse-outbound", targets: ["gatehouse-outbound"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2")
    ],
    targets: [
        library("CLinux", pkgConfig: nil, apt: "linux-libc-dev"),
        library("COpenSSL", pkgConfig: "openssl", apt: "libssl-dev"),
        library("CNGHTTP2", pkgConfig: "libnghttp2", apt: "libnghttp2-dev"),
        library("CYAML", pkgConfig: "yaml-0.1", apt: "libyaml-dev"),
        library("CNFTables", pkgConfig: "libnftables", apt: "libnftables-dev"),
        library("CConntrack", pkgConfig: "libnetfilter_conntrack", apt: "libnetfilter-conntrack-dev"),
        library("CCurl", pkgConfig: "libcurl", apt: "libcurl4-openssl-dev"),
        library("CAres", pkgConfig: "libcares", apt: "libc-ares-dev"),

        module("Bytes", []),
        module("Snapshot", []),
        module("Linux", ["CLinux"]),
        module("OpenSSL", ["COpenSSL", "Bytes"]),
        module("Site", ["CYAML"]),
        module("HTTPWire", ["CNGHTTP2", "Bytes"]),
        module("Engine", ["Bytes", "Linux", "OpenSSL"]),
        module("Certificates", ["HTTPWire", "OpenSSL", "Linux", "Site"]),
        module("Firewall", ["CNFTables", "CConntrack", "Linux", "OpenSSL", "Site"]),
        module("Gateway", ["Bytes", "Engine", "HTTPWire", "Linux", "OpenSSL", "Site"]),
        module("Outbound", ["Linux", "Snapshot"]),
        module("Control", ["Certificates", "Gateway", "Engine", "OpenSSL", "Linux", "Outbound", "Site", "Snapshot"]),
        module(
            "Operations",
            ["Certificates", "Control", "Bytes", "Firewall", "Gateway", "Engine", "OpenSSL", "Linux", "Site"]
        ),
        module("DemoApp", ["Bytes", "Engine", "HTTPWire", "Linux", "OpenSSL"]),
        .executableTarget(
            name: "gatehouse",
            dependencies: [
                "Site", "Certificates", "Firewall", "Gateway", "Control", "Operations", "DemoApp", "Linux", "OpenSSL",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            path: "Sources/gatehouse",
            swiftSettings: settings
        ),
        .executableTarget(
            name: "gatehouse-outbound",
            dependencies: ["CAres", "CCurl", "Linux", "Outbound"],
            path: "Sources/gatehouse-outbound",
            swiftSettings: settings
        ),

        tests("Bytes", ["Bytes"]),
        tests("Snapshot", ["Snapshot"]),
        tests("Linux", ["Linux"]),
        tests("OpenSSL", ["OpenSSL", "Bytes"]),
        tests("Site", ["Site"]),
        tests("HTTPWire", ["HTTPWire", "Bytes"]),
        tests("Engine", ["Engine", "Bytes", "Linux", "OpenSSL"]),
        tests("Certificates", ["Certificates", "OpenSSL", "Linux", "Site"]),
        tests("Firewall", ["Firewall", "Linux", "Site"], exclude: ["Goldens"]),
        tests("Gateway", ["Gateway", "Engine", "HTTPWire", "Linux", "Bytes", "Site"]),
        tests("Control", ["Control", "Certificates", "Gateway", "Linux", "OpenSSL", "Outbound", "Site", "Snapshot"]),
        tests(
            "Operations",
            ["Operations", "Bytes", "Certificates", "Control", "Engine", "Gateway", "OpenSSL", "Linux", "Site"]
        ),
        tests("DemoApp", ["DemoApp", "Engine", "Bytes", "Linux"]),
        tests("Architecture", []),
        tests("Integration", ["Firewall", "Site"]),
    ]
)
