# Fetches dataflows, a DSD, data and availability with rsdmx: Rscript rsdmx_read.R URL FOLDER.
#
# What the client gives is written into the folder as CSV files, one for each thing asked.
suppressMessages(library(rsdmx))

arguments <- commandArgs(trailingOnly = TRUE)
url <- arguments[1]
write <- function(frame, name) {
  write.csv(frame, file.path(arguments[2], paste0(name, ".csv")), row.names = FALSE, na = "")
}
sizes <- function(codelists) {
  ids <- lapply(codelists, function(list) sapply(slot(list, "Code"), slot, "id"))
  names <- sapply(codelists, slot, "id")
  data.frame(codelist = rep(names, lengths(ids)), code = unlist(ids))
}

# As its manual says: a provider with the request builder of SDMX REST 1.5.
builder <- SDMXREST21RequestBuilder(
  regUrl = paste0(url, "/sdmx/v1"), repoUrl = paste0(url, "/sdmx/v1"), accessKey = NULL, compliant = TRUE
)
addSDMXServiceProvider(SDMXServiceProvider("ILMS", "ILMS Exchange", builder = builder))

write(as.data.frame(readSDMX(providerId = "ILMS", resource = "dataflow")), "dataflows")

dsd <- readSDMX(providerId = "ILMS", resource = "datastructure", resourceId = "MNA_OEMP_SEX_CDS")
components <- slot(slot(slot(dsd, "datastructures"), "datastructures")[[1]], "Components")
write(as.data.frame(components), "components")
write(sizes(slot(slot(dsd, "codelists"), "codelists")), "codes")

data <- readSDMX(
  providerId = "ILMS", resource = "data", flowRef = "DF_MNA_OEMP_SEX_CDS",
  key = list("IDN", NULL, NULL, c("SEX_F", "SEX_M"), NULL, NULL), start = 2022, end = 2024, dsd = TRUE
)
write(as.data.frame(data, labels = TRUE), "data")

# By URL, as it reads whatever stands somewhere.
specific <- readSDMX(
  paste0(url, "/sdmx/v1/data/ILMS,DF_MNA_OEMP_SEX_CDS,1.0.0/PHL...../all?format=structurespecificdata")
)
write(as.data.frame(specific), "specific")
newer <- readSDMX(paste0(url, "/sdmx/v2/data/dataflow/ILMS/DF_MNA_OEMP_SEX_CDS/1.0.0/PHL"))
write(as.data.frame(newer), "newer")

# It has no class for constraints, so that what is available comes as the codes that are.
available <- readSDMX(
  paste0(url, "/sdmx/v1/availableconstraint/DF_MNA_OEMP_SEX_CDS/IDN...../all?references=codelist")
)
write(sizes(slot(available, "codelists")), "available")
refused <- tryCatch(
  readSDMX(paste0(url, "/sdmx/v1/data/DF_NOT_THERE")), error = function(error) conditionMessage(error)
)
write(data.frame(told = refused), "refused")
