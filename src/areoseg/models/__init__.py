"""The model zoo: import this package, and every model is in the registry."""

from areoseg.models import attention_uwnet as attention_uwnet
from areoseg.models import compact_unet as compact_unet
from areoseg.models import dual_unet as dual_unet
from areoseg.models import light4mars as light4mars
from areoseg.models import nnunet as nnunet
from areoseg.models import psp_attention as psp_attention
from areoseg.models import rockseg as rockseg
from areoseg.models import turkeyseg as turkeyseg
from areoseg.models import unet as unet
from areoseg.models import unet_aspp as unet_aspp
from areoseg.models import unet_attention as unet_attention
from areoseg.models import unet_classic as unet_classic
from areoseg.models import unet_groupnorm as unet_groupnorm
from areoseg.models import unet_l as unet_l
from areoseg.models import unet_l_small as unet_l_small
from areoseg.models import unet_resse as unet_resse
from areoseg.models import unet_transformer as unet_transformer
from areoseg.models import unet_xception as unet_xception
from areoseg.models.cost import ModelCost
from areoseg.models.cost import model_cost
from areoseg.models.registry import ModelRecord
from areoseg.models.registry import create_model
from areoseg.models.registry import record
from areoseg.models.registry import records
from areoseg.models.registry import register

__all__ = [
    "ModelCost",
    "ModelRecord",
    "create_model",
    "model_cost",
    "record",
    "records",
    "register",
]
